"""The library is loaded when it is missing or older, and a newer one stays."""

import asyncio

import pytest
from redis.asyncio import Redis

from dropcast.domain.faults import EngineAway, EngineFault, EngineUnfit
from dropcast.store import library
from dropcast.store.connection import ask, connect
from dropcast.store.embedded import EmbeddedEngine
from tests.support.keys import keys


def source_of(version: int) -> str:
    return library.SOURCE.replace(f"local VERSION = {library.VERSION}\n", f"local VERSION = {version}\n")


async def test_a_missing_library_is_loaded(client: Redis) -> None:
    await ask(client, "FUNCTION", "FLUSH")
    assert await library.loaded_version(client) is None
    assert await library.load(client, keys) == library.VERSION
    assert await library.loaded_version(client) == library.VERSION


async def test_an_older_library_is_replaced(client: Redis) -> None:
    await ask(client, "FUNCTION", "FLUSH")
    assert await library.load(client, keys, source_of(library.VERSION - 1)) == library.VERSION - 1
    assert await library.load(client, keys) == library.VERSION
    assert await library.loaded_version(client) == library.VERSION


async def test_a_newer_library_stays(client: Redis) -> None:
    assert await library.load(client, keys, source_of(library.VERSION + 1)) == library.VERSION + 1
    assert await library.load(client, keys) == library.VERSION + 1
    assert await library.loaded_version(client) == library.VERSION + 1


async def test_many_who_load_at_once_leave_the_newest(client: Redis, engine: EmbeddedEngine) -> None:
    await ask(client, "FUNCTION", "FLUSH")
    clients = [connect(engine.url) for _ in range(6)]
    newest = library.VERSION + 5
    try:
        found = await asyncio.gather(
            *(
                library.load(one, keys, source_of(library.VERSION + number))
                for number, one in enumerate(clients)
            )
        )
    finally:
        await asyncio.gather(*(one.aclose() for one in clients))
    assert await library.loaded_version(client) == newest
    assert all(version >= library.VERSION + number for number, version in enumerate(found))
    assert await ask(client, "KEYS", "*") == []


async def test_a_lease_that_nobody_gives_back_is_waited_for_only_so_long(
    client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "_TRIES", 2)
    await ask(client, "FUNCTION", "FLUSH")
    await ask(client, "SET", keys.lease("library"), "somebody", "PX", 60_000)
    with pytest.raises(EngineFault, match="lease"):
        await library.load(client, keys)


async def test_a_library_that_the_engine_does_not_take_is_one_clear_line(client: Redis) -> None:
    await ask(client, "FUNCTION", "FLUSH")
    with pytest.raises(EngineUnfit, match="does not take the functions"):
        await library.load(client, keys, source_of(library.VERSION) + "\nthis is no Lua\n")
    assert await ask(client, "KEYS", "*") == []


async def test_an_engine_that_is_away_is_not_taken_for_an_unfit_one() -> None:
    client = connect("unix:///nowhere/engine.sock")
    with pytest.raises(EngineAway):
        await library.load(client, keys)
    await client.aclose()


def test_a_source_without_a_version_is_no_library() -> None:
    with pytest.raises(ValueError, match="version"):
        library.version_of("#!lua name=dropcast\n")
