"""The show's journal counted once more, by the tests' own hand and not by dropcast.domain.books. Pure.

Every movement is a point in time: an engine call may make several, and each request in it was decided at one of
them. `at(offset)` gives the points that a request answered with that offset may have been decided at.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TypeVar

from dropcast.domain.events import JournalEntry, Movement, MovementKind

T = TypeVar("T")

Sku = tuple[str, str]
Buyer = tuple[str, str]

_STATE = {
    MovementKind.HELD: "held",
    MovementKind.RESUMED: "held",
    MovementKind.PAYING: "paying",
    MovementKind.RELEASED: "released",
    MovementKind.EXPIRED: "expired",
    MovementKind.SOLD: "sold",
}
_FREES = (MovementKind.ALLOCATED, MovementKind.RELEASED, MovementKind.EXPIRED)
_TAKES = (MovementKind.WITHDRAWN, MovementKind.HELD)


class Recount:
    def __init__(self, journal: Sequence[JournalEntry], limits: dict[str, int]) -> None:
        """`limits` by drop: it must be one that did not change."""
        self.problems: list[str] = []
        self.steps: dict[str, list[tuple[int, str]]] = {}
        """By hold: the offset and the state of each change."""
        self.goods: dict[str, tuple[str, str, str, int]] = {}
        """By hold: viewer, drop, SKU and quantity."""
        self.allocated: dict[Sku, int] = {}
        self.free: dict[Sku, int] = {}
        self.sold: dict[Sku, int] = {}
        self._limits = limits
        self._of_buyer: dict[Buyer, int] = {}
        self._free_points: dict[Sku, list[tuple[int, int]]] = {}
        self._buyer_points: dict[Buyer, list[tuple[int, int]]] = {}
        self.top = 0
        for entry in journal:
            if entry.offset != self.top + 1:
                self.problems.append(f"the journal goes from offset {self.top} to {entry.offset}")
            self.top = entry.offset
            for movement in entry.movements:
                self._move(entry.offset, movement)

    def held(self, sku: Sku) -> int:
        return self.allocated.get(sku, 0) - self.free.get(sku, 0) - self.sold.get(sku, 0)

    def state_at(self, hold: str, offset: int) -> set[str]:
        """Return the states that the hold had at `offset`; nothing when it was not there yet."""
        return {state for state in _at(self.steps.get(hold, []), offset) if state is not None}

    def free_at(self, sku: Sku, offset: int) -> list[int]:
        """Return how many units were free at `offset`, at each point of that engine call."""
        return [free or 0 for free in _at(self._free_points.get(sku, []), offset)]

    def units_at(self, buyer: Buyer, offset: int) -> list[int]:
        """Return how many units the buyer had of a drop at `offset`, at each point of that engine call."""
        return [units or 0 for units in _at(self._buyer_points.get(buyer, []), offset)]

    def _move(self, offset: int, movement: Movement) -> None:
        sku, kind, qty = (movement.drop, movement.sku), movement.kind, movement.qty
        if kind is MovementKind.ALLOCATED or kind is MovementKind.WITHDRAWN:
            sign = 1 if kind is MovementKind.ALLOCATED else -1
            self.allocated[sku] = self.allocated.get(sku, 0) + sign * qty
        elif kind is MovementKind.SOLD:
            self.sold[sku] = self.sold.get(sku, 0) + qty
        if kind in _FREES or kind in _TAKES:
            free = self.free[sku] = self.free.get(sku, 0) + (qty if kind in _FREES else -qty)
            self._free_points.setdefault(sku, []).append((offset, free))
            if free < 0:
                self.problems.append(f"offset {offset}: {-free} units of {movement.sku} are oversold")
        if movement.hold:
            self._follow(offset, movement)

    def _follow(self, offset: int, movement: Movement) -> None:
        goods = (movement.viewer, movement.drop, movement.sku, movement.qty)
        if movement.kind is MovementKind.HELD and movement.hold in self.goods:
            self.problems.append(f"offset {offset}: hold {movement.hold} holds twice")
        if self.goods.setdefault(movement.hold, goods) != goods:
            self.problems.append(f"offset {offset}: hold {movement.hold} changed what it is for")
        self.steps.setdefault(movement.hold, []).append((offset, _STATE[movement.kind]))
        if movement.kind in (MovementKind.HELD, MovementKind.RELEASED, MovementKind.EXPIRED):
            self._count_buyer(offset, movement)

    def _count_buyer(self, offset: int, movement: Movement) -> None:
        buyer = (movement.drop, movement.viewer)
        change = movement.qty if movement.kind is MovementKind.HELD else -movement.qty
        units = self._of_buyer[buyer] = self._of_buyer.get(buyer, 0) + change
        self._buyer_points.setdefault(buyer, []).append((offset, units))
        limit = self._limits.get(movement.drop)
        if limit is not None and change > 0 and units > limit:
            self.problems.append(
                f"offset {offset}: viewer {movement.viewer} has {units} units of drop {movement.drop}, limit {limit}"
            )


def _at(points: Sequence[tuple[int, T]], offset: int) -> list[T | None]:
    """Return the value before the engine call at `offset`, then each that the call made."""
    begin = bisect_left(points, offset, key=_offset)
    end = bisect_right(points, offset, key=_offset)
    before = points[begin - 1][1] if begin else None
    return [before, *(value for _, value in points[begin:end])]


def _offset(point: tuple[int, object]) -> int:
    return point[0]
