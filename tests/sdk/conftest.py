"""A small worker per test, by both codecs where a test asks for it, and quick clients."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

import pytest

from dropcast_client import Backoff, Client
from tests.sdk.worker import Worker

QUICK = Backoff(0.001, 0.005)

NewClient = Callable[..., Client]


@pytest.fixture(params=["json"])
async def worker(request: pytest.FixtureRequest) -> AsyncIterator[Worker]:
    async with Worker(request.param) as worker:
        yield worker


@pytest.fixture
def client_of(worker: Worker) -> NewClient:
    def make(**options: Any) -> Client:
        codec: Literal["json", "msgpack"] = "json" if worker.codec == "json" else "msgpack"
        return Client(worker.url, codec=codec, backoff=QUICK, **options)

    return make
