"""A budget of bytes a second: a token bucket that a large answer may overdraw once. Pure; times are in seconds.

How much an answer costs is known only when it is made. So one that begins while anything is left is always finished,
and what it cost too much is paid off before the next one may begin.
"""


class ByteBudget:
    __slots__ = ("_at_s", "_left", "_most", "_per_s")

    def __init__(self, per_s: float, burst_s: float, now_s: float) -> None:
        """`per_s` on average; what `burst_s` seconds allow may come at once."""
        self._per_s = per_s
        self._most = self._left = per_s * burst_s
        self._at_s = now_s

    def allows(self, now_s: float) -> bool:
        """Whether anything is left at `now_s`."""
        return self.wait_s(now_s) == 0.0

    def wait_s(self, now_s: float) -> float:
        """Return in how many seconds something is left."""
        self._left = min(self._most, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        return 0.0 if self._left > 0 else (1e-3 - self._left) / self._per_s

    def spend(self, amount: float) -> None:
        """Take `amount` out, more than is left if need be."""
        self._left -= amount
