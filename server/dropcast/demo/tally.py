"""What the crowd has told so far, added up over its processes: counts, fan-out times, receipts, rates.

dropcast_loadtest's tally.py names the counts and its histogram.py makes the buckets.
"""

import math
from collections import Counter, deque

from dropcast.demo.lines import Progress, Receipt

_SECONDS_KEPT = 60


class Tally:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.receipts: list[Receipt] = []
        self.unknown_holds: set[str] = set()
        self.delivered_by_second: deque[int] = deque(maxlen=_SECONDS_KEPT)
        """Deliveries in each whole second that has passed, the last one last."""
        self._fanout_us: Counter[int] = Counter()
        self._second: int | None = None
        self._delivered = 0

    def take(self, progress: Progress, now_s: float) -> None:
        """Take in one line, heard at `now_s`."""
        self.pass_time(now_s)
        self.counts.update(progress.counts)
        self._fanout_us.update(progress.fanout_us)
        self.receipts += progress.receipts
        self.unknown_holds.update(progress.unknown_holds)
        self._delivered += progress.counts.get("delivered", 0)

    def pass_time(self, now_s: float) -> None:
        """Close the seconds that have passed."""
        second = int(now_s)
        if self._second is None:
            self._second = second
        while self._second < second:
            self.delivered_by_second.append(self._delivered)
            self._delivered = 0
            self._second += 1

    def by_reason(self, kind: str) -> dict[str, int]:
        """Return the counts of one kind by what follows its dot, as in `refused.sold_out`."""
        prefix = f"{kind}."
        return {
            name.removeprefix(prefix): count
            for name, count in sorted(self.counts.items())
            if name.startswith(prefix) and count
        }

    def fanout_ms(self, fraction: float) -> float:
        """Return what `fraction` of the numbered deliveries took at most, in milliseconds; 0 when none came."""
        rank = max(1, math.ceil(fraction * self._fanout_us.total()))
        passed = 0
        for highest_us, count in sorted(self._fanout_us.items()):
            passed += count
            if passed >= rank:
                return round(highest_us / 1000, 1)
        return 0.0
