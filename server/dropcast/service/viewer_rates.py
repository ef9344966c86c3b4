"""How often each viewer may do something at one worker: a token bucket for each. Pure; times are given, in seconds.

Trading asks it before a reserve and a release, hosting before a host's command. It costs a dict lookup. A bucket is
kept as one number, the time at which it is full again. What is full needs no entry: entries are kept in a newer and an
older half, and whoever is in the older half when the halves change has been silent until their bucket was full.
"""

VIEWERS_MAX = 200_000
"""Entries of one half. With more than that the older half is forgotten early: those viewers begin with a full bucket.
Whoever has so many tokens gains nothing by it."""
_ROUNDING_S = 1e-6


class ViewerRates:
    def __init__(self, per_s: float, burst_s: float, viewers_max: int = VIEWERS_MAX) -> None:
        """`per_s` on average for each viewer; what `burst_s` seconds allow may come at once."""
        self._interval_s = 1.0 / per_s
        self._burst_s = burst_s
        self._depth_s = burst_s + _ROUNDING_S
        self._viewers_max = viewers_max
        self._full_at_s: dict[str, float] = {}
        self._older: dict[str, float] = {}
        self._change_at_s = 0.0

    def __len__(self) -> int:
        """How many entries are kept."""
        return len(self._full_at_s) + len(self._older)

    def take(self, viewer: str, now_s: float) -> bool:
        """Count one of `viewer`; False when it is one too many, which counts nothing."""
        full_at_s = self._full_at_s.get(viewer)
        if full_at_s is None:
            self._make_room(now_s)
            full_at_s = self._older.get(viewer, 0.0)
        full_at_s = (full_at_s if full_at_s > now_s else now_s) + self._interval_s
        if full_at_s - now_s > self._depth_s:
            return False
        self._full_at_s[viewer] = full_at_s
        return True

    def wait_s(self, viewer: str, now_s: float) -> float:
        """Return in how many seconds the next one of `viewer` may come."""
        full_at_s = self._full_at_s.get(viewer, self._older.get(viewer, 0.0))
        return max(0.0, full_at_s + self._interval_s - self._burst_s - now_s)

    def _make_room(self, now_s: float) -> None:
        if now_s >= self._change_at_s or len(self._full_at_s) >= self._viewers_max:
            self._older, self._full_at_s = self._full_at_s, {}
            self._change_at_s = now_s + self._burst_s
