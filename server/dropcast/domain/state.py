"""A worker's view of one show: a snapshot, and every publication after it applied in order.

Pure. Whoever follows a show feeds `apply` and hands on what it answers; a `Gap` means that publications were
lost and the show must be read again.
"""

from collections.abc import Sequence
from enum import Enum

import msgspec

from dropcast.domain.drop import Drop, DropStatus, Terms
from dropcast.domain.events import (
    DropClosed,
    DropOpened,
    DropScheduled,
    DropUpdated,
    Event,
    Movement,
    MovementKind,
    Publication,
    SalesFrozen,
    SalesThawed,
    ShowEnded,
    ShowStarted,
    Snapshot,
)
from dropcast.domain.hold import Hold, HoldState
from dropcast.domain.show import Frozen, Moderated, ShowStatus

_STATES = {
    MovementKind.HELD: HoldState.HELD,
    MovementKind.PAYING: HoldState.PAYING,
    MovementKind.RESUMED: HoldState.HELD,
    MovementKind.RELEASED: HoldState.RELEASED,
    MovementKind.EXPIRED: HoldState.EXPIRED,
    MovementKind.SOLD: HoldState.SOLD,
}


_KINDS = {
    HoldState.HELD: MovementKind.HELD,
    HoldState.PAYING: MovementKind.PAYING,
    HoldState.SOLD: MovementKind.SOLD,
    HoldState.RELEASED: MovementKind.RELEASED,
    HoldState.EXPIRED: MovementKind.EXPIRED,
}


class Applied(Enum):
    """What became of a publication."""

    DONE = "done"
    STALE = "stale"
    """All of it was known already."""
    GAP = "gap"
    """Something before it is missing: nothing was applied."""


class ShowState:
    """Show, drops, stock, open holds and moderated viewers, true of `epoch`, `seq`, `offset` and `moderations`."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.show = snapshot.show
        self.epoch = snapshot.epoch
        self.seq = snapshot.seq
        self.offset = snapshot.offset
        self.moderations = snapshot.moderations
        self.moderated: dict[str, Moderated] = {}
        self._moderate(snapshot.moderated)
        self.drops: dict[str, Drop] = {drop.id: drop for drop in snapshot.drops}
        self.stock: dict[str, dict[str, int]] = {drop.id: {} for drop in snapshot.drops}
        for units in snapshot.units:
            self.stock[units.drop][units.sku] = units.free
        self.holds: dict[str, Hold] = {}
        self._by_viewer: dict[str, dict[str, Hold]] = {}
        for hold in snapshot.holds:
            self._keep(hold)

    def holds_of(self, viewer: str) -> list[Hold]:
        """Return the open holds of `viewer`, in the order in which they were made."""
        return list(self._by_viewer.get(viewer, {}).values())

    def is_banned(self, viewer: str) -> bool:
        found = self.moderated.get(viewer)
        return found is not None and found.banned

    def next_deadline_ms(self) -> int | None:
        """Return when the first open hold ends or the first drop opens or closes by itself, or None."""
        holds = (hold.expires_at_ms for hold in self.holds.values())
        changes = (drop.terms.next_change_ms for drop in self.drops.values())
        return min((*holds, *(at_ms for at_ms in changes if at_ms)), default=None)

    def apply(self, publication: Publication) -> Applied:
        """Take one publication in. Its events and movements are new exactly when the answer is DONE."""
        if publication.epoch != self.epoch:
            return Applied.GAP
        if (
            publication.seq <= self.seq
            and publication.offset <= self.offset
            and publication.moderations <= self.moderations
        ):
            return Applied.STALE
        entries = 1 if publication.movements else 0
        if (
            publication.seq - len(publication.events) != self.seq
            or publication.offset - entries != self.offset
            or publication.moderations - len(publication.moderated) != self.moderations
        ):
            return Applied.GAP
        for event in publication.events:
            self._event(event)
        for movement in publication.movements:
            self._movement(movement)
        for line in publication.stock:
            self.stock.setdefault(line.drop, {})[line.sku] = line.free
        self._moderate(publication.moderated)
        self.seq = publication.seq
        self.offset = publication.offset
        self.moderations = publication.moderations
        return Applied.DONE

    def _event(self, event: Event) -> None:
        match event:
            case ShowStarted():
                self.show = msgspec.structs.replace(
                    self.show, status=ShowStatus.LIVE, started_at_ms=event.at_ms
                )
            case ShowEnded():
                self.show = msgspec.structs.replace(
                    self.show, status=ShowStatus.ENDED, ended_at_ms=event.at_ms
                )
            case DropScheduled() | DropOpened():
                self.drops[event.drop] = Drop(event.drop, event.terms, event.card)
                self.stock[event.drop] = dict(event.stock)
            case DropUpdated():
                self._terms(event.drop, event.terms)
                self.stock[event.drop].update(event.stock)
            case DropClosed():
                terms = self.drops[event.drop].terms
                self._terms(event.drop, msgspec.structs.replace(terms, status=DropStatus.CLOSED))
            case SalesFrozen():
                self.show = msgspec.structs.replace(self.show, frozen=event.reason)
            case SalesThawed():
                self.show = msgspec.structs.replace(self.show, frozen=Frozen.NO)
            case _:
                pass

    def _moderate(self, moderated: Sequence[Moderated]) -> None:
        for change in moderated:
            if change.muted or change.banned:
                self.moderated[change.viewer] = change
            else:
                self.moderated.pop(change.viewer, None)

    def _terms(self, drop: str, terms: Terms) -> None:
        self.drops[drop] = msgspec.structs.replace(self.drops[drop], terms=terms)

    def _movement(self, movement: Movement) -> None:
        hold = hold_after(movement)
        if hold is None:
            return
        if hold.state.is_open:
            self._keep(hold)
        else:
            self.holds.pop(hold.id, None)
            of_viewer = self._by_viewer.get(hold.viewer)
            if of_viewer is not None:
                of_viewer.pop(hold.id, None)
                if not of_viewer:
                    del self._by_viewer[hold.viewer]

    def _keep(self, hold: Hold) -> None:
        self.holds[hold.id] = hold
        of_viewer = self._by_viewer.get(hold.viewer)
        if of_viewer is None:
            self._by_viewer[hold.viewer] = {hold.id: hold}
        else:
            of_viewer[hold.id] = hold


def hold_after(movement: Movement) -> Hold | None:
    """Return the hold as `movement` left it; None for movements of allocation."""
    state = _STATES.get(movement.kind)
    if state is None:
        return None
    return Hold(
        movement.hold,
        movement.viewer,
        movement.drop,
        movement.sku,
        movement.qty,
        state,
        movement.expires_at_ms,
        movement.price_minor,
    )


def movement_to(hold: Hold) -> Movement:
    """Return the movement that would have led to `hold`."""
    kind = _KINDS[hold.state]
    return Movement(
        kind, hold.drop, hold.sku, hold.qty, hold.id, hold.viewer, hold.expires_at_ms, hold.price_minor
    )
