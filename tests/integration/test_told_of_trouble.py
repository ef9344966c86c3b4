"""What a server says when a part of it ends: an error for what nobody wanted, two lines for an engine that was away."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from dropcast.cli import main
from dropcast.domain.hold import HoldState
from dropcast.store.connection import connect
from dropcast.store.embedded import running
from dropcast_client import Held
from tests.support.engine import Stall
from tests.support.external_engine import ExternalEngine
from tests.support.house import House
from tests.support.processes import children_of, workers_of
from tests.support.server import SECRET, Server
from tests.support.wait import wait_until


def records(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in list(server.lines)]


def having(server: Server, **fields: str) -> list[dict[str, Any]]:
    """The records that have all these fields; a message need only begin so."""

    def matches(record: dict[str, Any]) -> bool:
        return all(str(record[name]).startswith(value) for name, value in fields.items())

    return [record for record in records(server) if matches(record)]


async def restarted(server: Server, pid: int) -> None:
    """Wait until the worker `pid` is gone and there are two again."""
    await wait_until(lambda: pid not in workers_of(server.process.pid), timeout_s=30)
    await wait_until(lambda: len(workers_of(server.process.pid)) == 2, timeout_s=30)


async def test_an_end_that_nobody_wanted_is_an_error_and_an_orderly_one_is_not(tmp_path: Path) -> None:
    server = await asyncio.to_thread(Server, tmp_path, workers=2, log_format="json", log_level="warning")
    try:
        first, _ = workers_of(server.process.pid)
        os.kill(first, signal.SIGKILL)
        await wait_until(lambda: having(server, level="error"), timeout_s=20)
        await restarted(server, first)
        second, _ = workers_of(server.process.pid)
        os.kill(second, signal.SIGTERM)
        await restarted(server, second)
        ends = [record for record in records(server) if "starts again in" in record["message"]]
        assert [(record["level"], record["worker"]) for record in ends] == [
            ("error", "supervisor"),
            ("info", "supervisor"),
        ]
        assert "was ended by SIGKILL" in ends[0]["message"]
        assert "ended with status 0" in ends[1]["message"]
    finally:
        assert await asyncio.to_thread(server.stop) == 0
    assert len(having(server, level="error")) == 1, records(server)
    assert having(server, message="stopping")[0]["level"] == "info"


async def test_an_embedded_engine_that_ends_is_an_error_and_is_back_soon(tmp_path: Path) -> None:
    server = await asyncio.to_thread(Server, tmp_path, workers=1, log_format="json")
    try:
        (engine,) = children_of(server.process.pid) - set(workers_of(server.process.pid))
        os.kill(engine, signal.SIGKILL)
        await wait_until(lambda: having(server, level="error"), timeout_s=20)
        await wait_until(lambda: len(children_of(server.process.pid)) == 2, timeout_s=30)
        await wait_until(lambda: _takes_shows(House(server.settings, server.port, SECRET)), timeout_s=30)
    finally:
        assert await asyncio.to_thread(server.stop) == 0
    (end,) = having(server, level="error")
    assert end["message"].startswith("the engine was ended by SIGKILL")
    assert end["worker"] == "supervisor"


async def test_each_worker_tells_once_that_the_engine_is_away_and_once_that_it_is_back(
    tmp_path: Path,
) -> None:
    external = ExternalEngine(tmp_path / "engine")
    server = await asyncio.to_thread(
        Server, tmp_path / "data", workers=2, log_format="json", redis_url=external.url
    )
    try:
        house = House(server.settings, server.port, SECRET)
        shows = [await house.live_show() for _ in range(5)]
        async with house.client("ana") as ana, house.client("ben") as ben:
            for show in shows:
                await ana.subscribe(show).ready()
                await ben.subscribe(show).ready()
            external.kill()
            await wait_until(lambda: len(of_the_engine(server)) == 2, timeout_s=20)
            # Some sweeps and some beats of each show later there is still no other line.
            before_s = time.monotonic()
            await wait_until(lambda: time.monotonic() > before_s + 2.5)
            assert len(having(server, level="warning")) == 2, records(server)
            await asyncio.to_thread(external.start)
            await wait_until(lambda: len(of_the_engine(server)) == 4, timeout_s=20)
    finally:
        assert await asyncio.to_thread(server.stop) == 0
        external.kill()
    for worker in ("w0", "w1"):
        away, back = [line["message"] for line in of_the_engine(server) if line["worker"] == worker]
        assert away.startswith("the engine does not answer: ")
        assert "go on watching" in away
        assert back.startswith("the engine answers again, after ")
    assert having(server, level="error") == []


async def _takes_shows(house: House) -> bool:
    async with house.http("cleo", "creator") as http:
        answer = await http.post("/v1/shows", json={"title": "Friday", "currency": "EUR"})
        return answer.status_code == 201


def of_the_engine(server: Server) -> list[dict[str, Any]]:
    return having(server, level="warning", logger="dropcast.store.engine_watch")


def test_in_text_an_end_that_nobody_wanted_is_an_error_too(tmp_path: Path) -> None:
    server = Server(tmp_path, workers=2)
    try:
        os.kill(workers_of(server.process.pid)[0], signal.SIGKILL)
        asyncio.run(_until_restarted(server))
    finally:
        assert server.stop() == 0
    (line,) = [line for line in server.lines if "was ended by SIGKILL" in line]
    assert line.startswith("dropcast: error: worker w")


async def _until_restarted(server: Server) -> None:
    await wait_until(lambda: any("starts again" in line for line in server.lines), timeout_s=20)


async def test_a_payment_of_a_worker_that_was_killed_is_named_by_the_audit(tmp_path: Path) -> None:
    """It was charged, perhaps: the worker is killed while it waits for the provider, and nobody can tell."""
    server = await asyncio.to_thread(Server, tmp_path, workers=1, sandbox_slow_ms=14_000)
    try:
        house = House(server.settings, server.port, SECRET)
        await house.import_catalogue()
        show = await house.live_show()
        drop = await house.drop(show, {"MUG": 2}, product="mug")
        async with house.client("ana") as ana, connect(f"unix://{running(tmp_path)}") as client:
            stall = Stall(client, show)
            held = await ana.reserve(show=show, drop=drop, sku="MUG")
            assert isinstance(held, Held)
            paying = asyncio.create_task(ana.checkout(show=show, hold=held.hold, payment="tok_slow"))

            async def state() -> HoldState:
                hold = await stall.shows.hold(show, held.hold)
                assert hold is not None
                return hold.state

            await wait_until(lambda: _is(state(), HoldState.PAYING))
            assert await asyncio.to_thread(audit, tmp_path) == (0, "ok\n", "")  # a payment is under way
            (worker,) = workers_of(server.process.pid)
            os.kill(worker, signal.SIGKILL)
            paying.cancel()
            await stall.make_due(f"h:{held.hold}")
            await wait_until(lambda: _is(state(), HoldState.EXPIRED), timeout_s=30)
            status, verdict, notes = await asyncio.to_thread(audit, tmp_path)
            assert (status, verdict) == (0, "ok\n")
            assert notes.startswith(
                f"Note: show {show}: a payment may stand without a sale: hold {held.hold} of viewer ana, 1250 minor "
                f"units of EUR; the payment provider knows it as {show}/{held.hold}/"
            )
    finally:
        await asyncio.to_thread(server.stop)


async def _is(state: Awaitable[HoldState], wanted: HoldState) -> bool:
    return await state is wanted


def audit(data_dir: Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["audit", "--data-dir", str(data_dir)])
    return done.exit_code, done.stdout, done.stderr
