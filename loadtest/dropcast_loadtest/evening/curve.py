"""How many people there are, over time: a line through points. Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple


class Point(NamedTuple):
    at_s: float
    users: int


class Curve:
    """Straight from point to point; before the first and after the last it stays level."""

    def __init__(self, points: Sequence[Point]) -> None:
        """Raises ValueError when there are no points, or they are not in the order of their times."""
        if not points or any(a.at_s > b.at_s for a, b in pairwise(points)):
            raise ValueError("a curve goes through points in the order of their times")
        self.points = tuple(points)
        self._times = [point.at_s for point in points]

    def at(self, now_s: float) -> int:
        """Return the number of users at `now_s`."""
        after = bisect_right(self._times, now_s)
        if after == 0:
            return self.points[0].users
        if after == len(self.points):
            return self.points[-1].users
        (from_s, start), (to_s, goal) = self.points[after - 1], self.points[after]
        return round(start + (goal - start) * (now_s - from_s) / (to_s - from_s))

    @property
    def most(self) -> int:
        return max(point.users for point in self.points)
