"""The books of a show: recounts every unit from the journal and holds it against counters, holds and orders.

Pure. `dropcast audit` and the tests read a show's snapshot first, then its orders, then its journal and events,
all of them, so that whatever happened in between is in the journal.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from dropcast.domain.events import (
    DropOpened,
    DropScheduled,
    DropUpdated,
    Event,
    JournalEntry,
    Movement,
    MovementKind,
    Snapshot,
)
from dropcast.domain.hold import Order

_Sku = tuple[str, str]
"""A drop and one of its SKUs."""

_FROM: Mapping[MovementKind, tuple[MovementKind, ...]] = {
    MovementKind.PAYING: (MovementKind.HELD, MovementKind.RESUMED),
    MovementKind.RESUMED: (MovementKind.PAYING,),
    MovementKind.RELEASED: (MovementKind.HELD, MovementKind.RESUMED),
    MovementKind.EXPIRED: (MovementKind.HELD, MovementKind.RESUMED, MovementKind.PAYING),
    MovementKind.SOLD: (MovementKind.PAYING,),
}
"""What must have happened to a hold last, for what happens to it next."""

_OPEN = (MovementKind.HELD, MovementKind.PAYING, MovementKind.RESUMED)


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a whole show."""

    allocated: int
    free: int
    held: int
    sold: int
    oversold: int
    """Units held or sold beyond what was allocated to their SKU: must be 0."""


def totals(snapshot: Snapshot, orders: Sequence[Order] = ()) -> Totals:
    """Return the sums over all drops. `orders` count on their own towards `oversold`."""
    ordered = _ordered(orders)
    return Totals(
        allocated=sum(units.allocated for units in snapshot.units),
        free=sum(units.free for units in snapshot.units),
        held=sum(units.held for units in snapshot.units),
        sold=sum(units.sold for units in snapshot.units),
        oversold=sum(
            max(0, max(units.sold, ordered.get((units.drop, units.sku), 0)) + units.held - units.allocated)
            for units in snapshot.units
        ),
    )


def audit(
    snapshot: Snapshot,
    journal: Sequence[JournalEntry],
    orders: Sequence[Order],
    events: Sequence[Event] | None = None,
) -> list[str]:
    """Return what is wrong with the books of a show, a sentence each; nothing when they are right.

    With `events` a buyer's units are held against the limit of their time, otherwise against today's.
    """
    ledger = _Ledger(_limits(snapshot, events))
    problems = list(_gaps(snapshot, journal))
    for entry in journal:
        if entry.offset <= snapshot.offset:
            ledger.take(entry)
    later = [movement for entry in journal if entry.offset > snapshot.offset for movement in entry.movements]
    problems += ledger.problems
    problems += _wrong_counters(snapshot, ledger)
    problems += _wrong_holds(snapshot, ledger)
    problems += _wrong_orders(orders, ledger, later)
    return problems


class _Ledger:
    """Counters and holds as the journal tells them."""

    def __init__(self, limits: Mapping[str, Sequence[tuple[int, int]]]) -> None:
        self._limits = limits
        self.allocated: dict[_Sku, int] = {}
        self.free: dict[_Sku, int] = {}
        self.held: dict[_Sku, int] = {}
        self.sold: dict[_Sku, int] = {}
        self.holds: dict[str, Movement] = {}
        """The last movement of each hold."""
        self.of_buyer: dict[tuple[str, str], int] = {}
        self.problems: list[str] = []

    def take(self, entry: JournalEntry) -> None:
        for movement in entry.movements:
            self._move(movement)
            if movement.kind not in (MovementKind.ALLOCATED, MovementKind.WITHDRAWN):
                self._follow(entry.offset, movement)

    def _move(self, movement: Movement) -> None:
        sku, qty = (movement.drop, movement.sku), movement.qty
        match movement.kind:
            case MovementKind.ALLOCATED:
                self._add(sku, allocated=qty, free=qty)
            case MovementKind.WITHDRAWN:
                self._add(sku, allocated=-qty, free=-qty)
            case MovementKind.HELD:
                self._add(sku, free=-qty, held=qty)
            case MovementKind.RELEASED | MovementKind.EXPIRED:
                self._add(sku, free=qty, held=-qty)
            case MovementKind.SOLD:
                self._add(sku, held=-qty, sold=qty)
            case MovementKind.PAYING | MovementKind.RESUMED:
                pass
        if self.free.get(sku, 0) < 0:
            self.problems.append(
                f"drop {movement.drop}, SKU {movement.sku}: the journal takes {qty} units where only "
                f"{self.free[sku] + qty} were free"
            )

    def _add(self, sku: _Sku, *, allocated: int = 0, free: int = 0, held: int = 0, sold: int = 0) -> None:
        for counter, change in (
            (self.allocated, allocated),
            (self.free, free),
            (self.held, held),
            (self.sold, sold),
        ):
            counter[sku] = counter.get(sku, 0) + change

    def _follow(self, offset: int, movement: Movement) -> None:
        before = self.holds.get(movement.hold)
        where = f"hold {movement.hold} at journal offset {offset}"
        if movement.kind is MovementKind.HELD:
            if before is not None:
                self.problems.append(f"{where}: held again after {before.kind}")
        elif before is None:
            self.problems.append(f"{where}: {movement.kind} without having been held")
        elif before.kind not in _FROM[movement.kind]:
            self.problems.append(f"{where}: {movement.kind} after {before.kind}")
        elif _goods(before) != _goods(movement):
            self.problems.append(
                f"{where}: {movement.kind} for {_goods(movement)}, held for {_goods(before)}"
            )
        self.holds[movement.hold] = movement
        self._count_buyer(offset, movement)

    def _count_buyer(self, offset: int, movement: Movement) -> None:
        buyer = (movement.drop, movement.viewer)
        if movement.kind is MovementKind.HELD:
            units = self.of_buyer[buyer] = self.of_buyer.get(buyer, 0) + movement.qty
            limit = self._limit(movement.drop, offset)
            if limit is not None and units > limit:
                self.problems.append(
                    f"drop {movement.drop}: viewer {movement.viewer} has {units} units at journal offset {offset}, "
                    f"the limit is {limit}"
                )
        elif movement.kind in (MovementKind.RELEASED, MovementKind.EXPIRED):
            self.of_buyer[buyer] = self.of_buyer.get(buyer, 0) - movement.qty

    def _limit(self, drop: str, offset: int) -> int | None:
        """Return the limit that an entry at `offset` had to keep: the last one set before it."""
        known = [limit for since, limit in self._limits.get(drop, ()) if since < offset]
        return known[-1] if known else None


def _goods(movement: Movement) -> tuple[str, str, str, int, int]:
    return movement.viewer, movement.drop, movement.sku, movement.qty, movement.price_minor


def _limits(snapshot: Snapshot, events: Sequence[Event] | None) -> dict[str, list[tuple[int, int]]]:
    """Return the limits of every drop, each with the journal offset after which it holds."""
    if events is None:
        return {drop.id: [(-1, drop.terms.limit)] for drop in snapshot.drops}
    limits: dict[str, list[tuple[int, int]]] = {}
    for event in events:
        if isinstance(event, DropScheduled | DropOpened | DropUpdated):
            limits.setdefault(event.drop, []).append((event.offset, event.terms.limit))
    return limits


def _gaps(snapshot: Snapshot, journal: Sequence[JournalEntry]) -> Iterator[str]:
    expected = 1
    for entry in journal:
        if entry.offset != expected:
            yield f"the journal goes from offset {expected - 1} to {entry.offset}"
        expected = entry.offset + 1
    if expected <= snapshot.offset:
        yield f"the journal ends at offset {expected - 1}, the show is at {snapshot.offset}"


def _wrong_counters(snapshot: Snapshot, ledger: _Ledger) -> Iterator[str]:
    known = set()
    for units in snapshot.units:
        sku = (units.drop, units.sku)
        known.add(sku)
        where = f"drop {units.drop}, SKU {units.sku}"
        if not units.conserved:
            yield (
                f"{where}: free {units.free} + held {units.held} + sold {units.sold} is not allocated {units.allocated}"
            )
        for name, counted, told in (
            ("free", units.free, ledger.free),
            ("held", units.held, ledger.held),
            ("sold", units.sold, ledger.sold),
            ("allocated", units.allocated, ledger.allocated),
        ):
            if counted != told.get(sku, 0):
                yield f"{where}: the engine counts {counted} {name}, the journal tells {told.get(sku, 0)}"
    for drop, name in ledger.allocated.keys() - known:
        yield f"drop {drop}, SKU {name}: in the journal, not in the show"


def _wrong_holds(snapshot: Snapshot, ledger: _Ledger) -> Iterator[str]:
    held: dict[_Sku, int] = {}
    for hold in snapshot.holds:
        sku = (hold.drop, hold.sku)
        held[sku] = held.get(sku, 0) + hold.qty
        last = ledger.holds.get(hold.id)
        if last is None or last.kind not in _OPEN or last.qty != hold.qty:
            yield f"hold {hold.id}: open for {hold.qty} units, in the journal {last.kind if last else 'unknown'}"
    for units in snapshot.units:
        of_holds = held.get((units.drop, units.sku), 0)
        if of_holds != units.held:
            yield (
                f"drop {units.drop}, SKU {units.sku}: open holds have {of_holds} units, the engine counts {units.held}"
            )
    open_ids = {hold.id for hold in snapshot.holds}
    for hold_id, last in ledger.holds.items():
        if last.kind in _OPEN and hold_id not in open_ids:
            yield f"hold {hold_id}: {last.kind} in the journal, but not among the open holds"


def _wrong_orders(orders: Sequence[Order], ledger: _Ledger, later: Sequence[Movement]) -> Iterator[str]:
    sold = {hold: last for hold, last in ledger.holds.items() if last.kind is MovementKind.SOLD}
    sold_later = {movement.hold: movement for movement in later if movement.kind is MovementKind.SOLD}
    ordered_holds = set()
    for order in orders:
        sale = sold.get(order.hold) or sold_later.get(order.hold)
        if order.hold in ordered_holds:
            yield f"hold {order.hold}: sold twice"
        ordered_holds.add(order.hold)
        if sale is None:
            yield f"order {order.id}: the journal knows no sale of hold {order.hold}"
        elif (order.viewer, order.drop, order.sku, order.qty) != _goods(sale)[:4]:
            yield f"order {order.id}: {order.qty} of {order.sku} to {order.viewer}, the journal sold {_goods(sale)}"
        elif order.amount_minor != sale.qty * sale.price_minor:
            yield f"order {order.id}: amount {order.amount_minor}, {sale.qty} x {sale.price_minor} were sold"
    for hold in sold.keys() - ordered_holds:
        yield f"hold {hold}: sold without an order"
    of_now = _ordered([order for order in orders if order.hold in sold])
    for (drop, sku), units in ledger.sold.items():
        if units != of_now.get((drop, sku), 0):
            yield f"drop {drop}, SKU {sku}: orders have {of_now.get((drop, sku), 0)} units, the journal sold {units}"


def _ordered(orders: Sequence[Order]) -> dict[_Sku, int]:
    units: dict[_Sku, int] = {}
    for order in orders:
        sku = (order.drop, order.sku)
        units[sku] = units.get(sku, 0) + order.qty
    return units
