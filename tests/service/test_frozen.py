"""Sales that lost history has frozen are told once, by one worker, whether somebody watches the show or not."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from dropcast.domain.show import Frozen
from dropcast.metrics import counts
from dropcast.settings import Settings
from dropcast.store.connection import ask, connect
from dropcast.store.embedded import EmbeddedEngine
from dropcast.store.frozen_shows import frozen_shows
from tests.service.conftest import Parts
from tests.support.engine import Stall
from tests.support.keys import keys
from tests.support.wait import wait_until


async def lose_history(stall: Stall) -> None:
    """The show finds itself in another run of the engine than the one that wrote it last."""
    await ask(stall.client, "HSET", keys.of_show(stall.show, "meta"), "run", "an engine that is gone")


@contextlib.asynccontextmanager
async def worker(
    engine: EmbeddedEngine, name: str, *, server: str = "s1", thaws: bool = False
) -> AsyncIterator[Parts]:
    client = connect(engine.url)
    settings = Settings(beat_ms=50, data_dir="shop", thaw_after_restart=thaws)
    parts = Parts(engine.url, client, name, settings, server=server)
    running = [asyncio.create_task(work) for work in (parts.stage.run(), parts.sweeper.run())]
    try:
        yield parts
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await parts.close()
        await client.aclose()


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno == logging.WARNING and "sales are frozen" in record.getMessage()
    ]


async def rounds() -> None:
    """Wait until a worker has looked at all shows, a few times. One of them is live and followed by nobody."""
    before = counts.sweeps["lease"]
    await wait_until(lambda: counts.sweeps["lease"] > before + 3)


@pytest.fixture
async def stall(client: Redis) -> Stall:
    await Stall(client, "saturday").open()
    return await Stall(client).open()


@pytest.mark.parametrize("is_followed", [True, False], ids=["followed", "not followed"])
async def test_it_is_told_once_for_a_run_of_the_server_with_the_very_command(
    engine: EmbeddedEngine, stall: Stall, caplog: pytest.LogCaptureFixture, is_followed: bool
) -> None:
    async with worker(engine, "w0") as parts:
        if is_followed:
            await parts.stage.enter(stall.show)
        await lose_history(stall)
        (line,) = await wait_until(lambda: told(caplog))
        assert line.startswith("show friday: sales are frozen and every reserve is refused")
        assert line.endswith(f"dropcast thaw friday --data-dir {Path.cwd() / 'shop'}")
        await rounds()
    async with worker(engine, "w1") as parts:
        if is_followed:
            await parts.stage.enter(stall.show)
        await rounds()
        assert told(caplog) == [line]
    async with worker(engine, "w0", server="started again"):
        await wait_until(lambda: told(caplog) == [line, line])


async def test_the_next_freeze_is_told_again(
    engine: EmbeddedEngine, stall: Stall, caplog: pytest.LogCaptureFixture
) -> None:
    async with worker(engine, "w0"):
        await lose_history(stall)
        await wait_until(lambda: len(told(caplog)) == 1)
        await stall.shows.thaw(stall.show)
        await rounds()
        await lose_history(stall)
        await wait_until(lambda: len(told(caplog)) == 2)


async def test_what_an_operator_froze_and_what_has_ended_is_not_told(
    engine: EmbeddedEngine, stall: Stall, caplog: pytest.LogCaptureFixture
) -> None:
    ended = await Stall(stall.client, "ended").open()
    await lose_history(ended)
    await ended.shows.beat(ended.show, "w0", 0)
    await ended.shows.end(ended.show)
    assert (await ended.shows.read(ended.show)).show.frozen is Frozen.LOST_HISTORY
    await stall.shows.freeze(stall.show)
    async with worker(engine, "w0") as parts:
        await rounds()
        await parts.stage.enter(stall.show)
        await rounds()
    assert told(caplog) == []


@pytest.mark.parametrize("is_followed", [True, False], ids=["followed", "not followed"])
async def test_by_a_setting_sales_go_on_and_nobody_need_be_told(
    engine: EmbeddedEngine, stall: Stall, caplog: pytest.LogCaptureFixture, is_followed: bool
) -> None:
    async with worker(engine, "w0", thaws=True) as parts:
        if is_followed:
            await parts.stage.enter(stall.show)
        await lose_history(stall)
        await wait_until(lambda: _thawed(stall))
        await rounds()
    assert told(caplog) == []


async def _thawed(stall: Stall) -> bool:
    return (await stall.event_names())[:2] == ["SalesFrozen", "SalesThawed"]


async def test_a_damaged_show_does_not_keep_the_others_from_being_swept(
    engine: EmbeddedEngine, stall: Stall, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = await Stall(stall.client, "a-first-one").open()
    await ask(stall.client, "SET", keys.of_show(damaged.show, "viewers"), "not a hash")
    async with worker(engine, "w0"):
        await lose_history(stall)
        await wait_until(lambda: told(caplog))


async def test_the_metrics_count_frozen_shows_by_reason(stall: Stall) -> None:
    assert await frozen_shows(stall.client, keys) == {"operator": 0, "lost_history": 0}
    await stall.shows.freeze(stall.show)
    for show in ("lost-1", "lost-2", "ended"):
        lost = await Stall(stall.client, show).open()
        await lose_history(lost)
        await lost.shows.beat(show, "w0", 0)
    await stall.shows.end("ended")
    assert await frozen_shows(stall.client, keys) == {"operator": 1, "lost_history": 2}
