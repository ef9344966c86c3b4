"""A worker's parts as app.py plugs them together, on a real engine, with members that record what they are written."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from dropcast.service.clock import EngineClock
from dropcast.service.stage import Stage
from dropcast.service.sweeping import Sweeper
from dropcast.settings import Settings
from dropcast.store.connection import connect
from dropcast.store.desk import Desk
from dropcast.store.embedded import EmbeddedEngine
from dropcast.store.shows import Shows
from dropcast.store.tail import Tail


class Recorder:
    """A member of a room that keeps what it is written, decoded."""

    def __init__(self) -> None:
        self.codec_index = 0
        self.is_open = True
        self.messages: list[dict[str, Any]] = []
        self.write = self._write

    def _write(self, buffer: bytes) -> None:
        while buffer:
            size, start = buffer[1], 2
            if size == 126:
                size, start = int.from_bytes(buffer[2:4]), 4
            elif size == 127:
                size, start = int.from_bytes(buffer[2:10]), 10
            self.messages.append(msgspec.json.decode(buffer[start : start + size]))
            buffer = buffer[start + size :]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    @property
    def seqs(self) -> list[int]:
        return [message["seq"] for message in self.messages if "at_ms" in message]


class Parts:
    """One worker without its sockets."""

    def __init__(self, engine_url: str, client: Redis, worker: str, settings: Settings) -> None:
        self.store = Shows(client)
        self.desk = Desk(self.store, holds_per_viewer_max=settings.holds_per_viewer_max)
        self.clock = EngineClock()
        self.tail = Tail(connect(engine_url))
        self.sweeper = Sweeper(store=self.store, desk=self.desk, clock=self.clock, worker=worker)
        self.stage = Stage(
            store=self.store,
            tail=self.tail,
            clock=self.clock,
            settings=settings,
            worker=worker,
            on_deadline=self.sweeper.on_deadline,
            on_due=self.sweeper.on_due,
            on_left=self.sweeper.forget,
        )

    async def close(self) -> None:
        await self.stage.close()
        await self.desk.close()
        await self.tail.close()


@pytest.fixture
async def parts(engine: EmbeddedEngine, client: Redis) -> AsyncIterator[Parts]:
    parts = Parts(engine.url, client, "w0", Settings())
    try:
        yield parts
    finally:
        await parts.close()
