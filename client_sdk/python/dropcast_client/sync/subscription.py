"""One consumer's view of a show for threads: its state, and its events by iteration."""

import threading
import time
from collections.abc import Callable
from typing import Self

from dropcast_client.codes import Local
from dropcast_client.errors import Disconnected, DropcastError
from dropcast_client.events import Event, Resynced
from dropcast_client.follow import Follow
from dropcast_client.inbox import Inbox
from dropcast_client.parts import HoldView
from dropcast_client.show_state import ShowState
from dropcast_client.sync.waiting import wait_on

OnEvent = Callable[[Event], None]


class SyncSubscription:
    """Made by `SyncClient.subscribe`. Iterate over it (one thread at a time) for the events from then on.

    The first event is `Resynced`, the whole state; then each numbered event comes once and in order. Events are
    queued from the first iteration or `take` on. `close`, from any thread, ends an iteration after what waits.
    """

    def __init__(
        self,
        follow: Follow,
        lock: threading.RLock,
        inbox_max: int,
        may_wait: Callable[[], None],
        leave: Callable[["SyncSubscription"], None],
    ) -> None:
        self.show = follow.show
        self._follow = follow
        self._lock = lock
        self._news = threading.Condition(lock)
        self._inbox_max = inbox_max
        self._may_wait = may_wait
        self._leave = leave
        self._inbox: Inbox | None = None
        self._taking = False
        self._ended = False
        self._error: DropcastError | None = None

    @property
    def state(self) -> ShowState | None:
        """A copy of the show as it now stands; None before the first answer. Ask again for a newer one."""
        with self._lock:
            return self._follow.state.copy() if self._follow.state is not None else None

    @property
    def holds(self) -> tuple[HoldView, ...]:
        """The viewer's open holds, as far as they are known."""
        with self._lock:
            return self._follow.holds.open()

    @property
    def ended(self) -> bool:
        """Whether no more events will come. Those that wait may still be taken."""
        return self._ended

    @property
    def error(self) -> DropcastError | None:
        """Why it ended: CallError (banned, no such show) or Disconnected; None while it goes on, or when closed."""
        return self._error

    def ready(self, timeout_s: float | None = None) -> ShowState:
        """Wait for the first state and return it. Raises CallError, Disconnected or TimeoutError."""
        self._may_wait()
        by_s = None if timeout_s is None else time.monotonic() + timeout_s
        with self._lock:
            while self._follow.state is None:
                if self._ended:
                    raise self._error or Disconnected(Local.CLOSED, "the subscription was closed")
                if not wait_on(self._news, by_s):
                    raise TimeoutError(f"no state of show {self.show} within {timeout_s:g} s")
            return self._follow.state.copy()

    def wait_ended(self, timeout_s: float | None = None) -> DropcastError | None:
        """Wait until no more events will come. Return why, as `error`. Raises TimeoutError."""
        self._may_wait()
        by_s = None if timeout_s is None else time.monotonic() + timeout_s
        with self._lock:
            while not self._ended:
                if not wait_on(self._news, by_s):
                    raise TimeoutError(f"the subscription went on for {timeout_s:g} s")
            return self._error

    def take(self, timeout_s: float | None = None) -> Event | None:
        """Return the next event, or None when it was closed.

        Raises TimeoutError when none came in time (ask again), and CallError, Disconnected or FellBehind when
        no more can come.
        """
        self._may_wait()
        by_s = None if timeout_s is None else time.monotonic() + timeout_s
        with self._lock:
            inbox = self.begin()
            if self._taking:
                raise RuntimeError("another thread is iterating over this subscription: subscribe once more")
            self._taking = True
            try:
                while (event := inbox.take()) is None:
                    if inbox.ended:
                        if inbox.error is not None:
                            raise inbox.error
                        return None
                    if not wait_on(self._news, by_s):
                        raise TimeoutError(f"no event of show {self.show} within {timeout_s:g} s")
                return event
            finally:
                self._taking = False

    def close(self) -> None:
        """Want no more events. The last one out leaves the show."""
        with self._lock:
            self._leave(self)
            self.end(None)

    def give_up(self, error: DropcastError) -> None:
        """Want no more events, because of an error."""
        with self._lock:
            self.end(error)
            self._leave(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        with self._lock:
            self.begin()
        return self

    def __next__(self) -> Event:
        event = self.take()
        if event is None:
            raise StopIteration
        return event

    # The shell's side, with the lock ---------------------------------------------------------------------

    def begin(self) -> Inbox:
        """Queue events from now on."""
        if self._inbox is None:
            self._inbox = Inbox(self.show, lambda: self._follow.state, self._inbox_max)
            snapshot = self._follow.snapshot()
            if snapshot is not None:
                self._inbox.put(snapshot)
            if self._ended:
                self._inbox.end(self._error)
        return self._inbox

    def hand(self, event: Event) -> None:
        """Take one event."""
        if self._inbox is not None:
            self._inbox.put(event)
            self._news.notify_all()
        elif isinstance(event, Resynced):
            self._news.notify_all()

    def end(self, error: DropcastError | None) -> None:
        """No more events will come."""
        if not self._ended:
            self._ended = True
            self._error = error
            if self._inbox is not None:
                self._inbox.end(error)
            self._news.notify_all()
