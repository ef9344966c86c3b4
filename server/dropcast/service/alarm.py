"""One timer that keeps the earliest time it was set to."""

import asyncio
from collections.abc import Callable


class Alarm:
    """Calls `ring` once at the earliest time that was set since it last rang. Times are the event loop's."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._timer: asyncio.Handle | None = None
        # Kept here: uvloop answers a time that has passed with a handle that does not know it.
        self._due_s = 0.0

    def set(self, due_s: float) -> None:
        """Ring at `due_s` at the latest."""
        if self._timer is not None:
            if self._due_s <= due_s:
                return
            self._timer.cancel()
        self._due_s = due_s
        self._timer = asyncio.get_running_loop().call_at(due_s, self._fire)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        self._ring()
