"""A worker whose engine is away for a while: two lines in its log, however many shows it follows."""

import asyncio
import logging
from pathlib import Path

import pytest

from dropcast.metrics import counts
from dropcast.settings import Settings
from dropcast.store.connection import connect
from dropcast.store.embedded import EmbeddedEngine
from dropcast.store.engine_watch import EngineWatch
from tests.service.conftest import Parts
from tests.support.engine import Stall
from tests.support.engine_proxy import EngineProxy
from tests.support.wait import wait_until

SHOWS = 5


async def test_beats_sweeps_and_channels_that_fail_are_one_line_together(
    engine: EmbeddedEngine, stall: Stall, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(SHOWS):
        await Stall(stall.client, f"show-{number}").open()

    def warnings() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]

    async with EngineProxy(engine.socket_path, tmp_path, lose=lambda _: False) as proxy:
        client = connect(proxy.url)
        parts = Parts(proxy.url, client, "w0", Settings(beat_ms=50), watch=EngineWatch())
        running = [asyncio.create_task(work) for work in (parts.stage.run(), parts.sweeper.run())]
        try:
            for number in range(SHOWS):
                await parts.stage.enter(f"show-{number}")
            proxy.go_away()
            await wait_until(warnings)
            # By then every show has missed many beats, many sweeps have failed, and the channels are given up.
            losses, beats = counts.tail_losses, counts.engine_failures["engine_away"]
            await wait_until(lambda: counts.tail_losses > losses + 3)
            await wait_until(lambda: counts.engine_failures["engine_away"] > beats + 10 * SHOWS)
            assert len(warnings()) == 1
            rereads = counts.rereads
            proxy.come_back()
            await wait_until(lambda: len(warnings()) == 2)
            # The channels are heard again, and nothing more is told of it.
            await wait_until(lambda: counts.rereads >= rereads + SHOWS)
            publications = counts.publications
            await stall.shows.announce("show-0", "hello", None, "key")
            await wait_until(lambda: counts.publications > publications)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await parts.close()
            await client.aclose()
    away, back = warnings()
    assert away.startswith("the engine does not answer: ")
    assert back.startswith("the engine answers again, after ")
