"""What a worker process is given by the supervisor."""

from dropcast.supervisor.process import worker_environment


def test_variables_that_are_settings_of_libraries_do_not_reach_a_worker() -> None:
    kept = {"PATH": "/bin", "HTTPS_PROXY": "http://proxy", "PYTHONHASHSEED": "0", "SSL_CERT_FILE": "ca.pem"}
    dropped = {
        "WEB_CONCURRENCY": "auto",
        "FORWARDED_ALLOW_IPS": "*",
        "UVICORN_WORKERS": "4",
        "WEBSOCKETS_MAX_LOG_SIZE": "much",
    }
    assert worker_environment({**kept, **dropped}) == kept
