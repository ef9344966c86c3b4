"""A scripted worker in a thread of its own, and a connected sync client."""

from collections.abc import Iterator

import pytest

from dropcast_client import SyncClient
from tests.sdk.behaviour.players import QUICK
from tests.sdk.behaviour.stage import Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture
def client(stage: Stage) -> Iterator[SyncClient]:
    with SyncClient(stage.url, backoff=QUICK) as client:
        yield client
