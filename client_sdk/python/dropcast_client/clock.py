"""The server's clock seen from here: an offset to the local one, measured by round trips.

The server's time in an answer belongs to some moment between asking and hearing; half way is off by half the
round trip at most. So of the last few samples the one with the shortest round trip counts.
"""

from collections import deque
from typing import NamedTuple

NEVER = float("inf")
"""The local time at which nothing is due."""


class Sample(NamedTuple):
    round_trip_s: float
    offset_ms: float


class Clock:
    """Local times are seconds of one monotonic clock; server times are milliseconds since 1970."""

    def __init__(self, samples: int = 8) -> None:
        self._samples: deque[Sample] = deque(maxlen=samples)
        self._best: Sample | None = None

    def add(self, asked_at_s: float, heard_at_s: float, server_time_ms: int) -> None:
        middle_s = (asked_at_s + heard_at_s) / 2
        self._samples.append(Sample(heard_at_s - asked_at_s, server_time_ms - middle_s * 1000))
        self._best = min(self._samples)

    @property
    def known(self) -> bool:
        return self._best is not None

    @property
    def uncertainty_ms(self) -> float:
        """How far off `server_time_ms` may be at most; infinite before the first sample."""
        return self._best.round_trip_s * 500 if self._best else float("inf")

    def server_time_ms(self, now_s: float) -> float:
        """Return the server's time at the local time `now_s`. Raises LookupError before the first sample."""
        if self._best is None:
            raise LookupError("the server's time is not known before the first welcome")
        return now_s * 1000 + self._best.offset_ms
