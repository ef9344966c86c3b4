"""Turns of the host commands that write to a show's logs: few at a time, so that trades go between them.

Hosting asks for a turn before it sends a pin, an update or an announcement to the engine. One of them may weigh 60 KB
and take the engine as long as hundreds of reserves, and a burst of them would be sent at once, before everything else.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dropcast.domain.faults import RateLimited
from dropcast.metrics import counts

_AT_ONCE = 2
"""As many as the trade desk has calls under way: with one the engine would wait for the worker in between."""


class _Turns:
    """Those of one show."""

    __slots__ = ("commands", "free")

    def __init__(self) -> None:
        self.commands = 0
        """How many have a turn or wait for one."""
        self.free = asyncio.Semaphore(_AT_ONCE)


class HostTurns:
    def __init__(self, commands_max: int) -> None:
        """`commands_max`: how many commands of one show may be under way or wait at this worker."""
        self._commands_max = commands_max
        self._shows: dict[str, _Turns] = {}

    @asynccontextmanager
    async def turn(self, show: str) -> AsyncIterator[None]:
        """Wait for a turn, in the order of coming. Raises RateLimited when too many wait already."""
        turns = self._shows.setdefault(show, _Turns())
        if turns.commands >= self._commands_max:
            counts.limited["host_commands_waiting_max"] += 1
            raise RateLimited("too many commands wait for this show; slow down")
        turns.commands += 1
        try:
            async with turns.free:
                yield
        finally:
            turns.commands -= 1
            if not turns.commands:
                del self._shows[show]
