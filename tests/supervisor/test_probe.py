"""The probe: what the metrics tell of the engine itself."""

import asyncio

import pytest

from dropcast.store.embedded import EmbeddedEngine
from dropcast.supervisor.probe import Probe
from tests.support.keys import keys


async def test_an_engine_with_more_shows_than_can_be_asked_about_in_time_is_up_all_the_same(
    engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> dict[str, int]:
        await asyncio.Event().wait()
        return {}

    monkeypatch.setattr("dropcast.supervisor.probe.frozen_shows", never)
    monkeypatch.setattr("dropcast.supervisor.probe._DEADLINE_S", 0.5)
    probe = Probe(engine.url, keys)
    found = await probe.ask()
    await probe.close()
    assert found.up
    assert found.memory_bytes
    assert found.holds_open is None
    assert found.shows_frozen == {}
