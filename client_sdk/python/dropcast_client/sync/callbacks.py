"""Calls the functions of an application in threads of their own, so that they may wait for the client.

States are told one after the other by a thread that lives while there are some to tell; each subscription with a
callback has a thread that iterates over it. What a callback raises is logged, and the next one is called.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from dropcast_client.errors import DropcastError, FellBehind
from dropcast_client.states import Connection
from dropcast_client.sync.subscription import OnEvent, SyncSubscription

OnState = Callable[[Connection], None]

_STATES_MAX = 1_000
"""How many states may wait for slow callbacks; the oldest are let go."""

_log = logging.getLogger("dropcast_client")


def guarded(name: str, callback: Callable[..., None], *arguments: Any) -> None:
    """Call a function of the application; what it raises is logged."""
    try:
        callback(*arguments)
    except Exception:
        _log.exception("%s of a dropcast client raised", name)


def tell_events(subscription: SyncSubscription, on_event: OnEvent) -> None:
    """Hand each event to a callback until there are no more; `subscription.error` says why."""
    try:
        for event in subscription:
            guarded("on_event", on_event, event)
    except FellBehind as error:
        _log.error("on_event of a dropcast client is too slow: %s", error)
        subscription.give_up(error)
    except DropcastError:
        pass


class StateTeller:
    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._callbacks: list[OnState] = []
        self._waiting: deque[tuple[OnState, Connection]] = deque(maxlen=_STATES_MAX)
        self._is_telling = False

    def add(self, callback: OnState) -> Callable[[], None]:
        """Tell every state from now on, until the returned function is called."""
        with self._lock:
            self._callbacks.append(callback)

        def remove() -> None:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)

        return remove

    def tell(self, connection: Connection) -> None:
        """With the lock held. Returns at once."""
        self._waiting.extend((callback, connection) for callback in self._callbacks)
        if self._waiting and not self._is_telling:
            self._is_telling = True
            threading.Thread(target=self._tell, name="dropcast states", daemon=True).start()

    def _tell(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_telling = False
                    return
                callback, connection = self._waiting.popleft()
                wanted = callback in self._callbacks
            if wanted:
                guarded("on_state", callback, connection)
