"""A worker's parts as app.py plugs them together, on a real engine."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from dropcast.service.clock import EngineClock
from dropcast.service.frozen import FrozenSales
from dropcast.service.stage import Stage
from dropcast.service.sweeping import Sweeper
from dropcast.settings import Settings
from dropcast.store.connection import connect
from dropcast.store.desk import Desk
from dropcast.store.embedded import EmbeddedEngine
from dropcast.store.engine_watch import EngineWatch
from dropcast.store.shows import Shows
from dropcast.store.tail import Tail


class Parts:
    """One worker without its sockets."""

    def __init__(
        self,
        engine_url: str,
        client: Redis,
        worker: str,
        settings: Settings,
        watch: EngineWatch | None = None,
        server: str = "server",
    ) -> None:
        self.store = Shows(client, watch)
        self.desk = Desk(self.store, holds_per_viewer_max=settings.holds_per_viewer_max)
        self.clock = EngineClock()
        self.tail = Tail(connect(engine_url), watch=watch)
        frozen = FrozenSales(store=self.store, settings=settings, server=server, worker=worker)
        self.sweeper = Sweeper(
            store=self.store, desk=self.desk, clock=self.clock, frozen=frozen, worker=worker
        )
        self.stage = Stage(
            store=self.store,
            tail=self.tail,
            clock=self.clock,
            settings=settings,
            worker=worker,
            on_deadline=self.sweeper.on_deadline,
            on_due=self.sweeper.on_due,
            on_entered=self.sweeper.follow,
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
