"""The engine's clock, as seen from this worker: all times on the wire are the engine's."""

import time

from dropcast.metrics import counts


class EngineClock:
    """Wall-clock milliseconds plus the offset to the engine, learned from its answers."""

    def __init__(self) -> None:
        self._offset_ms = 0.0

    def now_ms(self) -> int:
        """Return the engine's time, as well as this worker knows it, in milliseconds since 1970."""
        return int(time.time() * 1000 + self._offset_ms)

    def learn(self, engine_ms: int, asked_s: float, answered_s: float) -> None:
        """Take in an answer that carries the engine's time; the two others are `time.time()` around the call."""
        middle_ms = (asked_s + answered_s) * 500
        # Half of each new reading: follows a drift within seconds, and one slow answer does not move it far.
        self._offset_ms += (engine_ms - middle_ms - self._offset_ms) / 2
        counts.clock_offset_s = self._offset_ms / 1000
