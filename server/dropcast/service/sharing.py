"""What keeps reads few: one that several wait for, and a gate that lets so many run at once.

Called by whatever reads the engine for viewers and requests. A shared read ends with the last who waits for it. The
gate rests after each read for a multiple of the time that it took, so that reads can never take all of the engine,
however large they are. A read that was cancelled counts until the engine has answered it: asking and going away costs
the engine as much as staying.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

from dropcast.domain.faults import RateLimited

T = TypeVar("T")

_WAITING_PER_TURN = 16
REST = 3.0
"""How long a gate rests after a read, as a multiple of the read's time: a quarter of the time is spent reading."""
_REST_MAX_S = 0.5
"""A slow answer may be the disk's fault or the network's: then it says nothing of the work."""


class SharedRead(Generic[T]):
    """One read that several wait for. When nobody waits any more it is cancelled."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._task = asyncio.get_running_loop().create_task(work)
        self._waiting = 0

    async def result(self) -> T:
        self._waiting += 1
        try:
            return await asyncio.shield(self._task)
        finally:
            self._waiting -= 1
            if not self._waiting and not self._task.done():
                self._task.cancel()

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or is given up: whoever asks now must begin another one."""
        return self._task.done() or self._task.cancelling() > 0


class SharedReads(Generic[T]):
    """The shared reads that are under way, by name."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, SharedRead[T]] = {}

    async def result(self, name: Hashable, begin: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Wait for the read `name`; when none is under way, `begin` one."""
        read = self._under_way.get(name)
        if read is None or read.is_over:
            read = self._under_way[name] = SharedRead(begin())
        try:
            return await read.result()
        finally:
            if read.is_over and self._under_way.get(name) is read:
                del self._under_way[name]

    def forget(self, name: Hashable) -> None:
        """Those who ask from now on get a new read; those who wait get theirs."""
        self._under_way.pop(name, None)

    def __len__(self) -> int:
        return len(self._under_way)


class Turn:
    """A turn to read. It lasts until the engine has answered what was asked in it, also when nobody waits any more."""

    def __init__(self) -> None:
        self._asked: asyncio.Task[Any] | None = None

    async def ask(self, work: Coroutine[Any, Any, T]) -> T:
        """Ask the engine. When whoever waits is cancelled the call goes on: the engine carries it out all the same,
        and its connection may be one that others use too.
        """
        self._asked = asyncio.get_running_loop().create_task(work)
        return await asyncio.shield(self._asked)

    def when_answered(self, act: Callable[[], None]) -> None:
        """Call `act` as soon as the engine owes no answer."""
        if self._asked is None:
            act()
            return

        def on_answer(asked: asyncio.Task[Any]) -> None:
            if not asked.cancelled():
                asked.exception()  # so that asyncio does not report a fault that nobody waits for
            act()

        self._asked.add_done_callback(on_answer)


class ReadGate:
    """See the module."""

    def __init__(
        self, at_once: int, *, refused: Callable[[], None], rest: float = REST, waiting_max: int = 0
    ) -> None:
        """`refused` is called for each read that finds too many waiting: 16 for each that runs, or `waiting_max`."""
        self._turns = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._waiting_max = waiting_max or at_once * _WAITING_PER_TURN
        self._refused = refused
        self._rest = rest

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """Wait for a turn to read. Raises RateLimited when too many wait for one."""
        if self._waiting >= self._waiting_max:
            self._refused()
            raise RateLimited("too many reads are under way; try again in a moment")
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        turn = Turn()

        def rest() -> None:
            rest_s = min((loop.time() - began_s) * self._rest, _REST_MAX_S)
            loop.call_later(rest_s, self._turns.release)

        try:
            yield turn
        finally:
            turn.when_answered(rest)
