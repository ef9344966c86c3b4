"""A real show store that counts how often it is read, and can hold back what it has read."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from redis.asyncio import Redis

from dropcast.domain.events import Event, ShowMeta, Snapshot
from dropcast.domain.hold import Hold
from dropcast.store.engine_watch import EngineWatch
from dropcast.store.keys import Keys
from dropcast.store.shows import Shows

T = TypeVar("T")


class CountingShows(Shows):
    def __init__(self, client: Redis, keys: Keys, *, watch: EngineWatch | None = None) -> None:
        super().__init__(client, keys, watch=watch)
        self.calls: Counter[str] = Counter()
        self.is_free = asyncio.Event()
        """While it is not set, a read that has its answer keeps it back."""
        self.is_free.set()
        self.given_up = 0
        """Reads that nobody waited for any more."""

    async def read(self, show: str, *, public: bool = False) -> Snapshot:
        return await self._counted("public" if public else "read", super().read(show, public=public))

    async def meta(self, show: str) -> ShowMeta:
        self.calls["meta"] += 1
        return await super().meta(show)

    async def events(self, show: str, since: int, limit: int, epoch: str = "") -> Sequence[Event]:
        return await self._counted("events", super().events(show, since, limit, epoch))

    async def holds(self, show: str, holds: Sequence[str]) -> Sequence[Hold]:
        return await self._counted("holds", super().holds(show, holds))

    async def _counted(self, name: str, work: Coroutine[Any, Any, T]) -> T:
        self.calls[name] += 1
        try:
            found = await work
            await self.is_free.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        return found
