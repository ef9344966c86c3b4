"""SIGTERM with a delay: load balancers hear of it first, and connects are taken as long as they do not."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from tests.support.processes import is_alive, workers_of
from tests.support.raw import live
from tests.support.server import Server
from tests.support.wait import wait_until

LONG_MS = 600_000


@asynccontextmanager
async def serving(data_dir: Path, **flags: Any) -> AsyncIterator[Server]:
    server = await asyncio.to_thread(Server, data_dir, **flags)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.send_signal(signal.SIGINT)
        status = await asyncio.to_thread(server.stop)
    log = "".join(server.lines)
    assert status == 0, log
    assert "Traceback" not in log, log


async def readiness(server: Server) -> tuple[int, str]:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"http://127.0.0.1:{server.port}/readyz")
        return answer.status_code, str(answer.json().get("reason", ""))


async def unready(server: Server) -> bool:
    return (await readiness(server))[0] == 503


async def ready(server: Server) -> bool:
    with suppress(httpx.TransportError):  # until its successor listens
        return (await readiness(server))[0] == 200
    return False


async def test_readiness_fails_first_and_connects_are_taken_meanwhile(tmp_path: Path) -> None:
    async with serving(tmp_path, workers=2, stop_delay_ms=LONG_MS) as server:
        assert await readiness(server) == (200, "")
        server.process.send_signal(signal.SIGTERM)
        await wait_until(lambda: unready(server))
        async with live(server.port, hello={}) as raw:
            assert (await raw.ask({"type": "ping", "id": 2}))["type"] == "pong"
            # Whichever worker is asked.
            for _ in range(6):
                assert await readiness(server) == (503, "the worker is going away")
        assert any("/readyz fails from now on" in line for line in server.lines)


async def test_after_the_delay_it_stops_in_order(tmp_path: Path) -> None:
    async with serving(tmp_path, workers=2, stop_delay_ms=1_500) as server:
        async with live(server.port, hello={}) as raw:
            began_s = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            code, messages = await raw.closed()
            assert time.monotonic() - began_s >= 1.5
            assert (code, [message["type"] for message in messages]) == (4000, ["going_away"])
        assert await asyncio.to_thread(server.process.wait) == 0


async def test_a_worker_that_is_replaced_meanwhile_is_not_ready_either(tmp_path: Path) -> None:
    async with serving(tmp_path, workers=1, stop_delay_ms=LONG_MS) as server:
        server.process.send_signal(signal.SIGTERM)
        await wait_until(lambda: unready(server))
        (dead,) = workers_of(server.process.pid)
        os.kill(dead, signal.SIGKILL)
        await wait_until(lambda: workers_of(server.process.pid) not in ([], [dead]), timeout_s=20)
        for _ in range(10):
            assert await unready(server)


async def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path, workers=2, stop_delay_ms=LONG_MS) as server:
        workers = workers_of(server.process.pid)
        server.process.send_signal(signal.SIGTERM)
        await wait_until(lambda: unready(server))
        server.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(server.process.wait, 20) == 0
        assert not any(is_alive(pid) for pid in workers)


async def test_ctrl_c_and_a_workers_own_signal_wait_for_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, workers=1, stop_delay_ms=LONG_MS) as server:
        (first,) = workers_of(server.process.pid)
        os.kill(first, signal.SIGTERM)
        await wait_until(lambda: not is_alive(first), timeout_s=20)
        await wait_until(lambda: ready(server), timeout_s=20)
        server.process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(server.process.wait, 20) == 0
