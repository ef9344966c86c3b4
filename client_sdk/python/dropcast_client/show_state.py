"""The state of a show, kept current from its events. Pure.

A figure of stock is replaced only by one that is true of the same or a later journal offset, SKU by SKU: a
`stock` message names only what changed, and after a reconnect an older one may come late.
"""

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from dropcast_client.messages import (
    DropClosed,
    DropOpened,
    DropScheduled,
    DropUpdated,
    Numbered,
    Restocked,
    SalesFrozen,
    SalesThawed,
    ShowEnded,
    ShowStarted,
    SoldOut,
)
from dropcast_client.parts import Card, DropView, ShowView, State


class Drop(msgspec.Struct, kw_only=True):
    """A drop as it now stands. `stock` and `prices` are by SKU."""

    drop: str
    status: str
    """scheduled, open or closed."""
    limit: int
    hold_ms: int
    opened_at_ms: int
    opens_at_ms: int
    closes_at_ms: int
    reveal_at_ms: int
    prices: dict[str, int]
    stock: dict[str, int]
    stock_at: dict[str, int]
    """The journal offset that each figure of `stock` is true of."""
    card: Card

    @property
    def is_open(self) -> bool:
        return self.status == "open"

    @property
    def is_scheduled(self) -> bool:
        return self.status == "scheduled"

    def set_stock(self, sku: str, free: int, offset: int) -> bool:
        """Take in one figure. Return False when it is older than the one that stands."""
        if offset < self.stock_at.get(sku, 0):
            return False
        self.stock[sku] = free
        self.stock_at[sku] = offset
        return True


class ShowState:
    """What is known of a show, changed in place as events arrive: read it, and do not keep parts of it."""

    def __init__(self, epoch: str, seq: int, state: State) -> None:
        self.epoch = epoch
        self.seq = seq
        self.show: ShowView = state.show
        self.viewers = state.viewers
        self.offset = state.offset
        self.drops: dict[str, Drop] = {view.drop: _drop(view, state.offset) for view in state.drops}

    @property
    def frozen(self) -> bool:
        """Whether sales are stopped: every reserve is refused until they are thawed."""
        return self.show.frozen

    def copy(self) -> "ShowState":
        """Return it as it now stands, apart from what comes after."""
        other = ShowState(self.epoch, self.seq, self.view())
        for name, drop in self.drops.items():
            other.drops[name].stock_at = dict(drop.stock_at)
        return other

    def view(self) -> State:
        """Return it in the words of the wire."""
        drops = tuple(
            DropView(
                drop=drop.drop,
                status=drop.status,
                limit=drop.limit,
                hold_ms=drop.hold_ms,
                opened_at_ms=drop.opened_at_ms,
                opens_at_ms=drop.opens_at_ms,
                closes_at_ms=drop.closes_at_ms,
                reveal_at_ms=drop.reveal_at_ms,
                prices=dict(drop.prices),
                stock=dict(drop.stock),
                card=drop.card,
            )
            for drop in self.drops.values()
        )
        return State(show=self.show, drops=drops, viewers=self.viewers, offset=self.offset)

    def apply(self, event: Numbered) -> None:
        """Take in the next numbered event."""
        self.seq = event.seq
        self.offset = max(self.offset, event.offset)
        match event:
            case ShowStarted():
                self.show = replace(self.show, status="live", started_at_ms=event.at_ms)
            case ShowEnded():
                self.show = replace(self.show, status="ended", ended_at_ms=event.at_ms)
                for drop in self.drops.values():
                    drop.status = "closed"
            case SalesFrozen() | SalesThawed():
                self.show = replace(self.show, frozen=isinstance(event, SalesFrozen))
            case DropScheduled(drop=view) | DropOpened(drop=view):
                self.drops[view.drop] = _drop(view, event.offset)
            case DropUpdated() | DropClosed() | SoldOut() | Restocked():
                known = self.drops.get(event.drop)
                if known is not None:
                    _change(known, event)
            case _:
                pass

    def apply_stock(self, units: Mapping[str, Mapping[str, int]], offset: int) -> dict[str, dict[str, int]]:
        """Take in units left by drop and SKU. Return those that were not stale."""
        self.offset = max(self.offset, offset)
        fresh: dict[str, dict[str, int]] = {}
        for name, figures in units.items():
            drop = self.drops.get(name)
            if drop is not None:
                taken = {sku: free for sku, free in figures.items() if drop.set_stock(sku, free, offset)}
                if taken:
                    fresh[name] = taken
        return fresh


def _drop(view: DropView, offset: int) -> Drop:
    return Drop(
        drop=view.drop,
        status=view.status,
        limit=view.limit,
        hold_ms=view.hold_ms,
        opened_at_ms=view.opened_at_ms,
        opens_at_ms=view.opens_at_ms,
        closes_at_ms=view.closes_at_ms,
        reveal_at_ms=view.reveal_at_ms,
        prices=dict(view.prices),
        stock=dict(view.stock),
        stock_at=dict.fromkeys(view.stock, offset),
        card=view.card,
    )


def _change(drop: Drop, event: DropUpdated | DropClosed | SoldOut | Restocked) -> None:
    match event:
        case DropUpdated():
            drop.limit = event.limit
            drop.hold_ms = event.hold_ms
            drop.prices.update(event.prices)
            for sku, free in event.stock.items():
                drop.set_stock(sku, free, event.offset)
        case DropClosed():
            drop.status = "closed"
        case SoldOut():
            drop.set_stock(event.sku, 0, event.offset)
        case Restocked():
            drop.set_stock(event.sku, event.free, event.offset)
