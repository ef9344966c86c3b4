"""Telling stock: a few times a second at most, at once when units run out, always the latest figure.

Called by a live show with every publication; out goes one `stock` message with all that has changed since the
last one. While the room is still being written the urgent ones gather too.
"""

import asyncio
from collections.abc import Callable, Iterable

from dropcast.domain.events import StockLine
from dropcast.service.alarm import Alarm

_URGENT_GAP_S = 0.02
"""Even urgent stock is not told more often than a screen can show it."""

StockByDrop = dict[str, dict[str, int]]


class StockTeller:
    def __init__(self, *, interval_ms: int, urgent_units: int, tell: Callable[[StockByDrop], bool]) -> None:
        """`tell` sends the figures and answers False when the room cannot take them yet."""
        self._interval_s = interval_ms / 1000
        self._urgent_units = urgent_units
        self._tell = tell
        self._pending: StockByDrop = {}
        self._alarm = Alarm(self._flush)
        self._told_at_s = 0.0

    def mark(self, lines: Iterable[StockLine]) -> None:
        """Take in new figures."""
        urgent = False
        for line in lines:
            self._pending.setdefault(line.drop, {})[line.sku] = line.free
            urgent = urgent or line.free <= self._urgent_units
        if self._pending:
            self._schedule(_URGENT_GAP_S if urgent else self._interval_s)

    def stop(self) -> None:
        self._alarm.cancel()

    def _schedule(self, gap_s: float) -> None:
        self._alarm.set(max(asyncio.get_running_loop().time(), self._told_at_s + gap_s))

    def _flush(self) -> None:
        self._told_at_s = asyncio.get_running_loop().time()
        if self._tell(self._pending):
            self._pending = {}
        else:
            self._schedule(_URGENT_GAP_S)
