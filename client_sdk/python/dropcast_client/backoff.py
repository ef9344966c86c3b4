"""How long to wait before the next attempt: exponential backoff with full jitter, above a small floor.

Full jitter, random(0, min(cap, base * 2 ** attempt)), is from "Exponential Backoff And Jitter", AWS
Architecture Blog, 2015: thousands of viewers who lose one worker come back spread over the whole range.
"""

import random
from collections.abc import Callable

_DOUBLINGS_MAX = 30


class Backoff:
    """Delays between `min_s` and `max_s` seconds. `uniform(a, b)` gives a random number between a and b."""

    def __init__(
        self,
        min_s: float = 0.2,
        max_s: float = 20.0,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        if not 0 < min_s <= max_s:
            raise ValueError("0 < min_s <= max_s does not hold")
        self.min_s = min_s
        self.max_s = max_s
        self._uniform = uniform

    def delay_s(self, attempt: int) -> float:
        """Return the seconds to wait before attempt number `attempt`, the first of which is 0."""
        widest_s = self.min_s * 2.0 ** min(attempt + 1, _DOUBLINGS_MAX)
        return self.min_s + self._uniform(0.0, min(self.max_s - self.min_s, widest_s))
