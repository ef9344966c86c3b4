"""Fixtures for tests against the engine: a real one per test process, and a client that finds it empty."""

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from dropcast.store import library
from dropcast.store.connection import ask, connect
from dropcast.store.embedded import EmbeddedEngine
from dropcast.store.shows import Shows
from tests.support import engines
from tests.support.engine import Stall, leaked_keys
from tests.support.keys import keys


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    """The engine of this test process, see engines.py."""
    with EmbeddedEngine(tmp_path_factory.mktemp("engine"), binary=engines.binary()) as running:
        yield running


@pytest.fixture
async def client(engine: EmbeddedEngine) -> AsyncIterator[Redis]:
    """A client that finds the engine empty, with its functions loaded; checks that the test leaves no stray key."""
    client = connect(engine.url)
    try:
        await ask(client, "FLUSHALL", "ASYNC")
        if await library.loaded_version(client) != library.VERSION:
            await ask(client, "FUNCTION", "FLUSH")
        await library.load(client, keys)
        yield client
        assert await leaked_keys(client) == []
    finally:
        await client.aclose()


@pytest.fixture
def store(client: Redis) -> Shows:
    return Shows(client, keys)


@pytest.fixture
async def stall(client: Redis) -> Stall:
    """A live show with drop d1: three units of RED, two to a buyer."""
    return await Stall(client).open()
