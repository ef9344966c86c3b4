"""What the engine logs and publishes: events for every viewer, movements of units for the books.

functions.lua writes these as MessagePack arrays in the field order below. An event's `offset` is the top of
the journal after the engine call that made it. A field that is added to a struct that is here already goes to its
end and has a default, so that workers and functions of two versions understand each other.
"""

from enum import StrEnum
from typing import Any

import msgspec

from dropcast.domain.drop import Card, Drop, Terms, Units
from dropcast.domain.hold import Hold
from dropcast.domain.show import Frozen, Moderated, Show


class _Event(msgspec.Struct, frozen=True, array_like=True):
    seq: int
    at_ms: int
    offset: int


class ShowStarted(_Event, tag="show_started", frozen=True, array_like=True):
    pass


class ShowEnded(_Event, tag="show_ended", frozen=True, array_like=True):
    pass


class DropScheduled(_Event, tag="drop_scheduled", frozen=True, array_like=True):
    """Pinned to open later; `DropOpened` follows at its time, unless it is closed before."""

    drop: str
    terms: Terms
    stock: dict[str, int]
    card: Card


class DropOpened(_Event, tag="drop_opened", frozen=True, array_like=True):
    drop: str
    terms: Terms
    stock: dict[str, int]
    """Free units by SKU after the call."""
    card: Card


class DropUpdated(_Event, tag="drop_updated", frozen=True, array_like=True):
    drop: str
    terms: Terms
    stock: dict[str, int]


class DropClosed(_Event, tag="drop_closed", frozen=True, array_like=True):
    drop: str


class SoldOut(_Event, tag="sold_out", frozen=True, array_like=True):
    drop: str
    sku: str


class Restocked(_Event, tag="restocked", frozen=True, array_like=True):
    drop: str
    sku: str
    free: int


class SalesFrozen(_Event, tag="sales_frozen", frozen=True, array_like=True):
    reason: Frozen


class SalesThawed(_Event, tag="sales_thawed", frozen=True, array_like=True):
    pass


class Announcement(_Event, tag="announcement", frozen=True, array_like=True):
    text: str
    data: Any
    """Free JSON, already bounded in depth, size and integers."""


Event = (
    ShowStarted
    | ShowEnded
    | DropScheduled
    | DropOpened
    | DropUpdated
    | DropClosed
    | SoldOut
    | Restocked
    | SalesFrozen
    | SalesThawed
    | Announcement
)


class MovementKind(StrEnum):
    ALLOCATED = "allocated"
    """Units put into a drop: free and allocated rise."""
    WITHDRAWN = "withdrawn"
    """Free units taken out of a drop: free and allocated fall."""
    HELD = "held"
    PAYING = "paying"
    """A payment began: no unit moves, the deadline does."""
    RESUMED = "resumed"
    """A payment was declined in time: held again."""
    RELEASED = "released"
    EXPIRED = "expired"
    SOLD = "sold"


class Movement(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of the journal."""

    kind: MovementKind
    drop: str
    sku: str
    qty: int
    hold: str
    viewer: str
    expires_at_ms: int
    price_minor: int


class JournalEntry(msgspec.Struct, frozen=True, array_like=True):
    """All movements of one engine call."""

    offset: int
    at_ms: int
    movements: tuple[Movement, ...]


class StockLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    drop: str
    sku: str
    free: int


class Publication(msgspec.Struct, frozen=True, array_like=True):
    """What one engine call changed, with the tops of both logs, so that a lost one is noticed.

    `movements` is the journal entry at `offset`, or empty when the call wrote none. `stock` gives the free
    units, after the call, of every SKU whose free units it changed. `moderated` gives the viewers whom it muted,
    banned or freed; it is no event, so `moderations` counts these changes, for a lost one to be noticed.
    """

    epoch: str
    seq: int
    offset: int
    at_ms: int
    events: tuple[Event, ...]
    movements: tuple[Movement, ...]
    stock: tuple[StockLine, ...]
    moderations: int = 0
    moderated: tuple[Moderated, ...] = ()


class Snapshot(msgspec.Struct, frozen=True):
    """A show read in one engine function: everything a worker needs to begin its view."""

    show: Show
    epoch: str
    seq: int
    offset: int
    at_ms: int
    drops: tuple[Drop, ...]
    units: tuple[Units, ...]
    holds: tuple[Hold, ...]
    """Open holds only."""
    moderations: int = 0
    moderated: tuple[Moderated, ...] = ()
    """Viewers who are muted or banned."""
    viewers: int = 0
    """Over all workers, when the show was read for anybody; such a snapshot has no holds and no moderated viewers."""


class ShowMeta(msgspec.Struct, frozen=True):
    """A show without its drops, and the tops of its logs: a small plain read, no engine function."""

    show: Show
    epoch: str
    seq: int
    offset: int


class Beat(msgspec.Struct, frozen=True, array_like=True):
    """The answer to a worker's heartbeat for a show."""

    viewers: int
    """Over all workers."""
    epoch: str
    seq: int
    offset: int
    at_ms: int
    due_at_ms: int
    """When something of the show is due next, 0 when nothing is."""
    moderations: int = 0
