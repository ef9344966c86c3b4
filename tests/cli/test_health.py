"""`dropcast health`: one line and a status, whatever answers where the settings say."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dropcast.cli import main
from dropcast.store.embedded import EmbeddedEngine
from tests.support.server import Server


def health(*arguments: object, **variables: str) -> Result:
    return CliRunner().invoke(main, ["health", *map(str, arguments)], env=variables)


@contextmanager
def listener(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Something else that listens, and what it does with its first connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def test_an_engine_that_is_gone_is_not_ready_and_still_alive(tmp_path: Path) -> None:
    with EmbeddedEngine(tmp_path / "engine") as engine:
        server = Server(tmp_path, workers=1, redis_url=engine.url)
        try:
            ready = health(DROPCAST_PORT=str(server.port))
            assert (ready.exit_code, ready.output) == (0, f"ready: http://127.0.0.1:{server.port}/readyz\n")
            engine.stop()
            away = health("--port", server.port)
            assert away.exit_code == 1
            assert away.stdout == ""
            assert away.stderr.startswith(
                f"Error: http://127.0.0.1:{server.port}/readyz answers 503, not ready: "
            )
            assert len(away.stderr.splitlines()) == 1
            alive = health("--live", "--port", server.port, "--host", "0.0.0.0")
            assert (alive.exit_code, alive.output) == (0, f"ok: http://127.0.0.1:{server.port}/healthz\n")
        finally:
            server.stop()


def test_nobody_there_is_status_one_and_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = health("--port", port)
    assert done.exit_code == 1
    assert done.output == f"Error: http://127.0.0.1:{port}/readyz does not answer: Connection refused\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.1 many things\r\n\r\n{}",
        b"HTTP/1.1 404 Not Found\r\n\r\n{}",
    ],
)
def test_what_is_no_server_of_ours_is_not_healthy(answer: bytes) -> None:
    with listener(lambda connection: connection.sendall(answer)) as port:
        done = health("--port", port)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_a_server_that_never_answers_is_not_waited_for() -> None:
    asked = threading.Event()

    def keep_waiting(_connection: socket.socket) -> None:
        asked.wait(30)

    with listener(keep_waiting) as port:
        done = health("--port", port, "--timeout-s", "0.2")
        asked.set()
    assert done.exit_code == 1
    assert "does not answer: " in done.stderr


def test_a_port_that_only_the_server_knows_has_to_be_given() -> None:
    done = health("--port", "0")
    assert done.exit_code == 2
    assert "give --port" in done.stderr


def test_a_host_without_an_address_is_named() -> None:
    done = health("--host", "no.such.host.invalid")
    assert done.exit_code == 2
    assert "host=no.such.host.invalid" in done.stderr
