"""One consumer's view of a show: its state kept current, and its events, by iteration or by a callback."""

import asyncio
from collections.abc import Callable
from typing import Self

from dropcast_client.codes import Local
from dropcast_client.errors import Disconnected, DropcastError
from dropcast_client.events import Event, Resynced, Unknown
from dropcast_client.follow import Follow
from dropcast_client.inbox import Inbox
from dropcast_client.messages import Numbered
from dropcast_client.parts import HoldView
from dropcast_client.show_state import ShowState

OnEvent = Callable[[Event], None]


class Entry:
    """Where one way of getting events begins. A state may be ahead of events that are still being handed on:
    those that it has in it already do not pass."""

    def __init__(self) -> None:
        self._begins_after = 0

    def begin(self, snapshot: Resynced) -> None:
        self._begins_after = snapshot.seq

    def passes(self, event: Event) -> bool:
        if self._begins_after and isinstance(event, Numbered | Unknown) and event.seq:
            if event.seq <= self._begins_after:
                return False
            self._begins_after = 0
        elif isinstance(event, Resynced):
            self._begins_after = 0
        return True


class Subscription:
    """Made by `Client.subscribe`. Iterate over it (one task at a time) for the events from then on.

    The first event is `Resynced`, the whole state; then each numbered event comes once and in order. Events
    are queued from the first `async for` on; without one, or with `on_event`, nothing is. `state` is as
    received, so it may be ahead of the event that the iteration has come to.
    """

    def __init__(
        self,
        follow: Follow,
        inbox_max: int,
        on_event: OnEvent | None,
        leave: Callable[["Subscription"], None],
    ) -> None:
        self.show = follow.show
        self._follow = follow
        self._inbox_max = inbox_max
        self._on_event = on_event
        self._leave = leave
        self._inbox: Inbox | None = None
        self._inbox_entry = Entry()
        self._callback_entry = Entry()
        self._waiter: asyncio.Future[None] | None = None
        self._ready_waiters: list[asyncio.Future[None]] = []
        self._ended = False
        self._error: DropcastError | None = None

    @property
    def state(self) -> ShowState | None:
        """The show as it now stands; None before the first answer. It changes in place."""
        return self._follow.state

    @property
    def holds(self) -> tuple[HoldView, ...]:
        """The viewer's open holds, as far as they are known."""
        return self._follow.holds.open()

    async def ready(self) -> ShowState:
        """Wait for the first state and return it. Raises CallError (no such show) or Disconnected."""
        while self._follow.state is None:
            if self._ended:
                raise self._error or Disconnected(Local.CLOSED, "the subscription was closed")
            waiter = asyncio.get_running_loop().create_future()
            self._ready_waiters.append(waiter)
            await waiter
        return self._follow.state

    def close(self) -> None:
        """Want no more events. Iteration ends after what waits; the last one out leaves the show."""
        self._leave(self)
        self.end(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        if self._inbox is None:
            self._inbox = Inbox(self.show, lambda: self._follow.state, self._inbox_max)
            snapshot = self._follow.snapshot()
            if snapshot is not None:
                self._inbox_entry.begin(snapshot)
                self._inbox.put(snapshot)
            if self._ended:
                self._inbox.end(self._error)
        return self

    async def __anext__(self) -> Event:
        """Return the next event. Raises CallError, Disconnected or FellBehind when no more can come."""
        inbox = self.__aiter__()._inbox
        assert inbox is not None
        if self._waiter is not None:
            raise RuntimeError("another task is iterating over this subscription: subscribe once more")
        while (event := inbox.take()) is None:
            if inbox.ended:
                if inbox.error is not None:
                    raise inbox.error
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return event

    # The shell's side ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Hand `on_event` the state that is known already. What it raises passes through."""
        snapshot = self._follow.snapshot()
        if self._on_event is not None and snapshot is not None:
            self._callback_entry.begin(snapshot)
            self._on_event(snapshot)

    def hand(self, event: Event) -> None:
        """Take one event. What `on_event` raises passes through."""
        if self._inbox is not None and self._inbox_entry.passes(event):
            self._inbox.put(event)
            self._wake()
        if isinstance(event, Resynced):
            self._wake_ready()
        if self._on_event is not None and self._callback_entry.passes(event):
            self._on_event(event)

    def end(self, error: DropcastError | None) -> None:
        """No more events will come."""
        if self._ended:
            return
        self._ended = True
        self._error = error
        if self._inbox is not None:
            self._inbox.end(error)
            self._wake()
        self._wake_ready()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _wake_ready(self) -> None:
        waiters, self._ready_waiters = self._ready_waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
