"""A whole server whose stderr takes nothing: it serves, replaces its workers and stops, and tells how much was lost."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dropcast.settings import ENV_PREFIX
from tests.support.processes import workers_of
from tests.support.raw import live
from tests.support.unread_pipe import UnreadPipe
from tests.support.wait import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

STOP_S = 20.0
REQUESTS = 2_500
"""More lines than the queue of a worker takes at info."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class StuckServer:
    """`dropcast serve`, of which nobody hears where it listens."""

    def __init__(self, data_dir: Path, stderr: int, *, closed: bool = False) -> None:
        self.port, self.metrics_port = free_port(), free_port()
        command = [sys.executable, "-m", "dropcast", "serve", "--data-dir", str(data_dir)]
        command += ["--port", str(self.port), "--metrics-port", str(self.metrics_port)]
        if closed:
            command = ["/bin/sh", "-c", 'exec "$0" "$@" 2>&-', *command]
        environ = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
        self.process = subprocess.Popen(command, env=environ, stderr=stderr)

    async def is_ready(self) -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            try:
                return (await http.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == 200
            except httpx.TransportError:
                assert self.process.poll() is None, "the server has ended"
                return False

    async def dropped(self) -> dict[str, int]:
        async with httpx.AsyncClient(trust_env=False) as http:
            page = (await http.get(f"http://127.0.0.1:{self.metrics_port}/metrics")).text
        found = re.findall(r'^dropcast_log_lines_dropped_total{level="(\w+)"} (\d+)$', page, re.MULTILINE)
        return {level: int(number) for level, number in found if number != "0"}


@pytest.fixture(params=["nobody reads", "closed", "reader gone", "full disk"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StuckServer]:
    with UnreadPipe() as pipe, Path("/dev/full").open("wb") as full:
        stderr = full.fileno() if request.param == "full disk" else pipe.writer
        started = StuckServer(tmp_path, stderr, closed=request.param == "closed")
        pipe.close_writer()
        if request.param == "reader gone":
            pipe.close_reader()
        try:
            yield started
        finally:
            started.process.kill()
            started.process.wait()


async def test_it_serves_replaces_a_worker_and_stops_in_order(server: StuckServer) -> None:
    await wait_until(server.is_ready, timeout_s=40)
    (worker,) = workers_of(server.process.pid)
    async with live(server.port, hello={}) as raw:
        assert (await raw.ask({"type": "ping", "id": 2}))["type"] == "pong"
        os.kill(worker, signal.SIGKILL)
    await wait_until(lambda: workers_of(server.process.pid) not in ([], [worker]), timeout_s=30)
    await wait_until(server.is_ready, timeout_s=30)
    server.process.send_signal(signal.SIGTERM)
    status = await asyncio.to_thread(server.process.wait, STOP_S)
    assert status == 0


async def test_a_flood_of_lines_holds_no_viewer_up_and_is_told_when_somebody_reads_again(
    tmp_path: Path,
) -> None:
    with UnreadPipe() as pipe:
        server = StuckServer(tmp_path, pipe.writer)
        pipe.close_writer()
        try:
            await wait_until(server.is_ready, timeout_s=40)
            async with live(server.port, hello={}) as raw:
                await flood(server.port)
                assert (await raw.ask({"type": "ping", "id": 2}))["type"] == "pong"
            assert (await wait_until(server.dropped))["info"] > 100
            pipe.skip()
        finally:
            server.process.send_signal(signal.SIGTERM)
        told = await asyncio.to_thread(pipe.read)
        assert server.process.wait(STOP_S) == 0
    (report,) = re.findall(r"WARNING dropcast.logs: log lines were dropped, .*: (\d+) info\n", told)
    requests = told.count("GET /v1/shows")
    assert requests + int(report) >= REQUESTS
    assert requests < REQUESTS


async def flood(port: int) -> None:
    """Ask for something that is logged at info, many times on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(REQUESTS):
        writer.write(b"GET /v1/shows HTTP/1.1\r\nhost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await reader.readuntil(b"}")
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("redirection", ["2>&-", "0<&- 1>&- 2>&-"])
def test_no_command_takes_the_number_of_a_closed_stream_for_a_file(tmp_path: Path, redirection: str) -> None:
    command = [sys.executable, "-m", "dropcast", "shows", "--data-dir", str(tmp_path)]
    done = subprocess.run(["/bin/sh", "-c", f'exec "$0" "$@" {redirection}', *command], timeout=50)
    assert done.returncode == 0
    assert not (tmp_path / "engine.lock").exists()
