"""A worker's parts as app.py plugs them together, on a real engine."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from dropcast.service.buyer_limits import BuyerLimits
from dropcast.service.clock import EngineClock
from dropcast.service.event_log import EventLog
from dropcast.service.frozen import FrozenSales
from dropcast.service.show_reader import ShowReader
from dropcast.service.showing import Showing
from dropcast.service.stage import Stage
from dropcast.service.sweeping import Sweeper
from dropcast.service.trading import Trading
from dropcast.service.viewing import Viewing
from dropcast.settings import Settings
from dropcast.store.connection import connect
from dropcast.store.desk import Desk
from dropcast.store.embedded import EmbeddedEngine
from dropcast.store.engine_watch import EngineWatch
from dropcast.store.tail import Tail
from tests.support.counting import CountingShows
from tests.support.keys import keys


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
        self.settings = settings
        self.watch = watch
        self.store = CountingShows(client, keys, watch=watch)
        self.engine_url = engine_url
        self.desk = Desk(self.store, holds_per_viewer_max=settings.holds_per_viewer_max)
        self.clock = EngineClock()
        self.tail = Tail(connect(engine_url), keys, watch=watch)
        frozen = FrozenSales(store=self.store, settings=settings, server=server, worker=worker)
        self.sweeper = Sweeper(
            store=self.store, desk=self.desk, clock=self.clock, frozen=frozen, worker=worker
        )
        self.reader = ShowReader(self.store, settings)
        self.log = EventLog(self.store, settings)
        self.stage = Stage(
            store=self.store,
            reader=self.reader,
            tail=self.tail,
            clock=self.clock,
            settings=settings,
            worker=worker,
            on_deadline=self.sweeper.on_deadline,
            on_due=self.sweeper.on_due,
            on_entered=self.sweeper.follow,
            on_left=self.sweeper.forget,
        )

    @property
    def trading(self) -> Trading:
        return Trading(
            desk=self.desk,
            stage=self.stage,
            clock=self.clock,
            limits=BuyerLimits(reserves_per_s=1_000, refusals_per_s=50, burst_s=4, payments_max=2),
            guests_per_address_max=20,
        )

    def new_showing(self) -> Showing:
        """One with the settings of now, and a reader that knows nothing yet."""
        self.reader = ShowReader(self.store, self.settings)
        return self.showing

    @property
    def showing(self) -> Showing:
        return Showing(stage=self.stage, reader=self.reader, clock=self.clock, settings=self.settings)

    @property
    def viewing(self) -> Viewing:
        """A new one, with the settings of now."""
        return Viewing(
            stage=self.stage, reader=self.reader, log=self.log, settings=self.settings, log_events_max=10_000
        )

    async def close(self) -> None:
        if self.watch is not None:
            self.watch.close()
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
