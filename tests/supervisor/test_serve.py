"""`dropcast serve` as its own process: signals, statuses, and what is left after each end. Linux tells the rest."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropcast.settings import ENV_PREFIX
from dropcast.store.embedded import socket_path
from tests.support.processes import children_of, is_alive
from tests.support.server import Server, Start
from tests.support.wait import wait_until_sync

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path, workers=2)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.stop()


def assert_nothing_left(data_dir: Path, pids: set[int]) -> None:
    wait_until_sync(lambda: not any(is_alive(pid) for pid in pids))
    assert not (data_dir / "engine.lock").exists()
    assert not socket_path(data_dir).exists()


def serve(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `dropcast serve` that is expected to end by itself."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
    return subprocess.run(
        [sys.executable, "-m", "dropcast", "serve", *arguments],
        env=environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_it_in_order_and_nothing_is_left(server: Server, number: signal.Signals) -> None:
    pids = children_of(server.process.pid)
    assert len(pids) == 3
    assert server.stop(number) == 0
    assert_nothing_left(server.data_dir, pids)
    assert "Traceback" not in "".join(server.lines)


def test_it_starts_again_on_the_same_port_at_once(server: Server, tmp_path: Path) -> None:
    # A connection that was open leaves the port in TIME_WAIT.
    with socket.create_connection(("127.0.0.1", server.port)):
        assert server.stop() == 0
    again = Server(tmp_path, workers=2, port=server.port)
    assert again.port == server.port
    assert again.stop() == 0


def test_a_killed_supervisor_leaves_neither_workers_nor_engine(server: Server, tmp_path: Path) -> None:
    pids = children_of(server.process.pid)
    assert len(pids) == 3
    server.process.kill()
    server.process.wait()
    wait_until_sync(lambda: not any(is_alive(pid) for pid in pids))
    # The lock's file may lie there still, but nobody holds it.
    again = Server(tmp_path, workers=2)
    assert again.stop() == 0
    assert_nothing_left(tmp_path, pids)


def test_a_worker_that_hangs_is_killed_after_the_deadline(tmp_path: Path) -> None:
    server = Server(tmp_path, workers=2, stop_deadline_ms=300)
    pids = children_of(server.process.pid)
    worker = worker_of(pids)
    os.kill(worker, signal.SIGSTOP)
    assert server.stop() == 0
    assert_nothing_left(tmp_path, pids)
    assert "did not stop in time" in "".join(server.lines)


def test_a_second_signal_does_not_wait_for_the_deadline(tmp_path: Path) -> None:
    server = Server(tmp_path, workers=2, stop_deadline_ms=600_000)
    pids = children_of(server.process.pid)
    os.kill(worker_of(pids), signal.SIGSTOP)
    started_s = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    wait_until_sync(lambda: any("stopping" in line for line in server.lines))
    assert server.stop() == 0
    assert time.monotonic() - started_s < 30
    assert_nothing_left(tmp_path, pids)


def worker_of(pids: set[int]) -> int:
    return next(pid for pid in pids if b"dropcast.worker" in Path(f"/proc/{pid}/cmdline").read_bytes())


def test_the_first_run_tells_how_to_mint_a_token_and_the_second_does_not(tmp_path: Path) -> None:
    for hinted in (True, False):
        server = Server(tmp_path, Start({"DROPCAST_JWT_SECRET": None}), workers=1)
        assert server.stop() == 0
        assert ("dropcast token" in "".join(server.lines)) is hinted


def test_a_wrong_setting_is_status_two_and_one_line(tmp_path: Path) -> None:
    done = serve("--data-dir", str(tmp_path), DROPCAST_WORKERS="none")
    assert done.returncode == 2
    assert done.stderr == "Error: DROPCAST_WORKERS=none: it must be a whole number from 1 to 64\n"


def test_a_data_directory_in_use_is_status_one_and_one_line(server: Server) -> None:
    done = serve("--data-dir", str(server.data_dir), "--port", "0")
    assert done.returncode == 1
    assert "in use by process" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_port_in_use_is_one_line_and_starts_no_engine(server: Server, tmp_path: Path) -> None:
    other = tmp_path / "other"
    done = serve("--data-dir", str(other), "--port", str(server.port))
    assert done.returncode == 2
    assert "cannot listen there" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (other / "engine.log").exists()
