"""Three kinds of counted values beside a plain number. Pure; cheap enough for the way of a reserve."""

from bisect import bisect_left
from collections.abc import Sequence
from time import perf_counter

LABELS_APART = "\t"
"""Between the values of several labels in one key."""


class Tally(dict[str, int]):
    """A number for each value of a label, or of several, joined by LABELS_APART: `tally["sold_out"] += 1`."""

    def __missing__(self, key: str) -> int:
        return 0


class Histogram:
    """How many observations fell into each bucket, and their sum."""

    __slots__ = ("bounds", "cells")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.cells: list[float] = [0] * (len(self.bounds) + 2)
        """Observations up to each bound, those above the last one, and the sum of all that was observed."""

    def observe(self, value: float) -> None:
        cells = self.cells
        cells[bisect_left(self.bounds, value)] += 1
        cells[-1] += value

    def since(self, began_s: float) -> None:
        """Observe the seconds that passed since `began_s` of time.perf_counter."""
        self.observe(perf_counter() - began_s)


class Histograms(dict[str, Histogram]):
    """A histogram for each value of a label: `histograms["read"].observe(0.01)`."""

    def __init__(self, bounds: Sequence[float]) -> None:
        super().__init__()
        self._bounds = tuple(bounds)

    def __missing__(self, key: str) -> Histogram:
        made = self[key] = Histogram(self._bounds)
        return made


Value = int | float | list[float] | dict[str, int | float | list[float]]
"""A counted value as it travels: a number, a histogram's cells, or either of them by label."""


def plain(value: "int | float | Tally | Histogram | Histograms") -> Value:
    """Return a counted value as it travels."""
    if isinstance(value, Histogram):
        return value.cells
    if isinstance(value, Histograms):
        return {label: histogram.cells for label, histogram in value.items()}
    return dict(value) if isinstance(value, Tally) else value
