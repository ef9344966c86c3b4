"""A server as it is really started: in a pod, by compose, by nohup, by a script, with few open files."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from dropcast.edge.tokens import mint
from dropcast.settings import Settings
from tests.support.commands import ignoring, with_open_files
from tests.support.server import SECRET, Server, Start

HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
LINKS = {
    "DROPCAST_PORT": "tcp://10.0.0.7:8470",
    "DROPCAST_SERVICE_HOST": "10.0.0.7",
    "DROPCAST_SERVICE_PORT": "8470",
    "DROPCAST_SERVICE_PORT_HTTP": "8470",
    "DROPCAST_PORT_8470_TCP": "tcp://10.0.0.7:8470",
    "DROPCAST_PORT_8470_TCP_ADDR": "10.0.0.7",
    "DROPCAST_VALKEY_SERVICE_HOST": "10.0.0.8",
    "DROPCAST_VALKEY_PORT": "tcp://10.0.0.8:6379",
}
LEFT_OVERS = {"DROPCAST_HOLD_MS": "", "DROPCAST_TRUSTED_PROXIES": " ", "DROPCAST_LOG_FORMAT": ""}
LINE_ENDS = {"DROPCAST_JWT_SECRET": f"{SECRET}\n", "DROPCAST_JWT_AUDIENCE": "shop\r"}
OF_LIBRARIES = {
    "WEB_CONCURRENCY": "auto",
    "FORWARDED_ALLOW_IPS": "*",
    "UVICORN_WORKERS": "many",
    "WEBSOCKETS_MAX_LOG_SIZE": "much",
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as chooser:
        return int(chooser.getsockname()[1])


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def dropcast(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run another command with the server's own variables."""
    command = [sys.executable, "-m", "dropcast", *arguments]
    return subprocess.run(command, env=server.environ, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two workers on both loopback addresses, in an environment that has everything."""
    data_dir = tmp_path_factory.mktemp("environment")
    environ = {
        **LINKS,
        **LEFT_OVERS,
        **LINE_ENDS,
        **OF_LIBRARIES,
        "DROPCAST_HOST": "localhost",
        "DROPCAST_METRICS_HOST": "::",
        "DROPCAST_METRICS_PORT": str(free_port()),
        "DROPCAST_DATA_DIR": str(data_dir),
    }
    started = Server(data_dir, Start(environ), workers=2)
    try:
        yield started
    finally:
        started.stop()


def test_empty_values_and_line_ends_are_told_once_and_links_not_at_all(server: Server) -> None:
    warnings = [line for line in server.lines if "warning: empty" in line or "warning: white space" in line]
    assert len(warnings) == 2, server.lines
    assert all(name in warnings[0] for name in LEFT_OVERS)
    assert all(name in warnings[1] for name in LINE_ENDS)
    assert SECRET not in "".join(server.lines)


def test_warnings_are_log_records_where_the_log_is_json(tmp_path: Path) -> None:
    server = Server(
        tmp_path, Start({"DROPCAST_HOLD_MS": ""}), workers=1, log_format="json", log_level="error"
    )
    assert server.stop() == 0
    messages = [json.loads(line)["message"] for line in server.lines]
    assert "warning: empty, and so the default counts: DROPCAST_HOLD_MS" in messages


def test_a_token_of_the_trimmed_secret_and_audience_is_taken(server: Server) -> None:
    settings = Settings(jwt_audience="shop", jwt_secret=SECRET)
    minted = dropcast(server, "token", "--viewer", "olga", "--role", "operator").stdout.strip()
    for token in (minted, mint(SECRET, settings, "olga", "operator", 600)):
        headers = {"authorization": f"Bearer {token}"}
        answer = httpx.get(f"http://127.0.0.1:{server.port}/v1/shows", headers=headers, trust_env=False)
        assert answer.status_code == 200, answer.text


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_both_ports_answer_on_both_families(server: Server, host: str) -> None:
    metrics_port = server.environ["DROPCAST_METRICS_PORT"]
    for url in (f"http://{host}:{server.port}/readyz", f"http://{host}:{metrics_port}/metrics"):
        assert httpx.get(url, trust_env=False).status_code == 200


def test_health_looks_where_the_variables_say(server: Server) -> None:
    done = dropcast(server, "health", "--port", str(server.port))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"ready: http://127.0.0.1:{server.port}/readyz\n"


def test_a_server_in_ipv6_alone_is_found_by_its_variables(tmp_path: Path) -> None:
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    port = free_port()
    environ = {"DROPCAST_HOST": "::1", "DROPCAST_PORT": str(port), "DROPCAST_DATA_DIR": str(tmp_path)}
    server = Server(tmp_path, Start(environ), workers=1, port=None)
    try:
        done = dropcast(server, "health", "--live")
        assert (done.returncode, done.stdout) == (0, f"ok: http://[::1]:{port}/healthz\n"), done.stderr
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("number", "prefix"),
    [(signal.SIGHUP, ["nohup"]), (signal.SIGINT, ignoring(signal.SIGINT))],
    ids=["nohup", "a background job"],
)
def test_an_ignored_signal_does_not_stop_it_and_sigterm_does(
    tmp_path: Path, number: signal.Signals, prefix: Sequence[str]
) -> None:
    server = Server(tmp_path, Start(prefix=prefix), workers=1)
    server.process.send_signal(number)
    # Had it been taken, the next one would be the second, which does not wait.
    assert server.stop(signal.SIGTERM) == 0
    said = [line for line in server.lines if "stopping" in line]
    assert said == ["dropcast: stopping\n"]


def test_sigterm_stops_it_though_it_was_ignored_at_the_start(tmp_path: Path) -> None:
    server = Server(tmp_path, Start(prefix=ignoring(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)), workers=1)
    assert server.stop(signal.SIGTERM) == 0


def test_a_low_soft_limit_of_open_files_keeps_nobody_out(tmp_path: Path) -> None:
    server = Server(tmp_path, Start(prefix=with_open_files(128, HARD)), workers=1)
    try:
        with ExitStack() as connections:
            for _ in range(300):
                client = connections.enter_context(socket.create_connection(("127.0.0.1", server.port), 10))
                client.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
                assert client.recv(65_536).startswith(b"HTTP/1.1 200")
    finally:
        assert server.stop() == 0


def test_a_hard_limit_that_is_too_low_is_told_once_with_the_cure(tmp_path: Path) -> None:
    server = Server(tmp_path, Start(prefix=with_open_files(128, 600)), workers=2)
    assert server.stop() == 0
    (warning,) = [line for line in server.lines if "open at once" in line]
    assert re.search(r"may have 600 files .*LimitNOFILE", warning)


@pytest.mark.parametrize("variable", ["DROPCAST_HOST", "DROPCAST_REDIS_URL", "DROPCAST_JWT_SECRET"])
def test_an_empty_value_that_would_change_who_gets_in_starts_nothing(tmp_path: Path, variable: str) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DROPCAST_")}
    done = subprocess.run(
        [sys.executable, "-m", "dropcast", "serve", "--port", "0", "--data-dir", str(tmp_path / "data")],
        env={**environ, variable: ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr == f"Error: {variable} is empty: give it a value, or leave it out\n"
    assert not (tmp_path / "data").exists()
