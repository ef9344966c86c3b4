"""How often a socket may speak: a token bucket that may go into debt. Pure; times are given, in seconds.

Whoever keeps on after the bucket is empty runs into debt, and is told so; a debt as deep as the bucket is a flood.
Whoever slows down pays it off, so that one burst too many costs a few refusals and no connection.
"""

from enum import Enum


class Pace(Enum):
    FINE = "fine"
    OVER = "over"
    FLOOD = "flood"


class Bucket:
    __slots__ = ("_at_s", "_level", "_most", "_per_s")

    def __init__(self, per_s: int, burst_s: int, now_s: float) -> None:
        """`per_s` on average; what `burst_s` seconds allow may come at once."""
        self._per_s = per_s
        self._most = self._level = float(per_s * burst_s)
        self._at_s = now_s

    def take(self, now_s: float) -> Pace:
        """Count one at `now_s`."""
        level = min(self._most, self._level + (now_s - self._at_s) * self._per_s) - 1.0
        self._at_s = now_s
        if level >= 0.0:
            self._level = level
            return Pace.FINE
        self._level = max(level, -self._most)
        return Pace.OVER if level > -self._most else Pace.FLOOD
