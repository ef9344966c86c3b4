"""How many commands of one host are with the engine at once, from one worker: two; the others wait, in order.

Hosting takes a turn for each command that makes something. All calls of a worker go to the engine in one line, so that
without turns a host's burst would stand before the trades of every other show.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dropcast.domain.faults import RateLimited
from dropcast.domain.viewer import Role, Viewer
from dropcast.metrics import counts

UNDER_WAY_MAX = 2
"""While the engine carries one out, the next is on its way."""


class _Line:
    __slots__ = ("commands", "turns")

    def __init__(self) -> None:
        self.commands = 0
        self.turns = asyncio.Semaphore(UNDER_WAY_MAX)


class HostTurns:
    def __init__(self, waiting_max: int) -> None:
        self._waiting_max = waiting_max
        self._lines: dict[str, _Line] = {}
        """By host; only of those who have a command under way."""

    @asynccontextmanager
    async def turn(self, viewer: Viewer) -> AsyncIterator[None]:
        """Wait for a turn, and have it for the block. Raises RateLimited when too many of the host's wait already.

        Operators, who act for every creator, do not wait.
        """
        if viewer.role is Role.OPERATOR:
            yield
            return
        line = self._lines.get(viewer.id)
        if line is None:
            line = self._lines[viewer.id] = _Line()
        if line.commands >= UNDER_WAY_MAX + self._waiting_max:
            counts.limited["host_commands_waiting_max"] += 1
            raise RateLimited("too many commands wait for those before them; slow down")
        line.commands += 1
        try:
            async with line.turns:
                yield
        finally:
            line.commands -= 1
            if not line.commands:
                del self._lines[viewer.id]
