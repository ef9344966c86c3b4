"""What the users of one process were promised, in numbers that Locust's statistics have no place for. Pure.

    delivered          messages of the show that reached somebody
    orders, units      orders confirmed to buyers, and the units in them
    minor              what buyers were told to have paid, in minor units
    unknown_payments   payments that nobody knows the end of: each may be an order or not

A worker sends what is new with each of its reports, and the master adds it up.
"""

from collections import Counter
from collections.abc import Mapping


class Ledger:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def count(self, name: str, by: int = 1) -> None:
        self.counts[name] += by

    def take(self) -> dict[str, int]:
        """Return what is new since the last call, and begin again from nothing."""
        counts = dict(self.counts)
        self.counts = Counter()
        return counts

    def add(self, counts: Mapping[str, int]) -> None:
        self.counts.update(counts)
