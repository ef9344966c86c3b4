"""Messages: what the server says on the socket. Replies carry `re`; numbered events carry `seq`.

`offset` is the journal offset that figures of stock and holds are true of: a later message with a lower
offset is stale and may be discarded.
"""

from typing import Any

import msgspec


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    pass


# Parts of messages ---------------------------------------------------------------------------------------


class CardVariant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    sku: str
    title: str
    image: str | None = None


class Card(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    product: str
    title: str
    currency: str
    variants: tuple[CardVariant, ...]
    description: str = ""
    vendor: str = ""
    image: str | None = None


class DropView(msgspec.Struct, frozen=True, kw_only=True):
    """A drop as viewers see it: what it is, its terms, and the units left."""

    drop: str
    status: str
    limit: int
    hold_ms: int
    opened_at_ms: int
    prices: dict[str, int]
    stock: dict[str, int]
    card: Card


class ShowView(msgspec.Struct, frozen=True, kw_only=True):
    show: str
    title: str
    creator: str
    currency: str
    status: str
    starts_at_ms: int
    started_at_ms: int
    ended_at_ms: int


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The whole present state of a show, true of `seq` in the reply around it and of `offset`."""

    show: ShowView
    drops: tuple[DropView, ...]
    viewers: int
    offset: int


class HoldView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    hold: str
    drop: str
    sku: str
    qty: int
    state: str
    expires_at_ms: int
    amount_minor: int
    order: str = ""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    message_bytes_max: int
    tick_ms: int
    """How often every room hears a tick: 2.4 times as long in silence means a lost connection."""


# Replies -------------------------------------------------------------------------------------------------


class Welcome(_Message, frozen=True, kw_only=True, tag="welcome", omit_defaults=True):
    re: int
    viewer: str
    role: str
    server_time_ms: int
    limits: Limits
    token: str = ""
    """A guest's signed token, when guests may buy: say it in the next hello to get the holds back."""


class Pong(_Message, frozen=True, kw_only=True, tag="pong"):
    re: int
    server_time_ms: int


class Watching(_Message, frozen=True, kw_only=True, tag="watching", omit_defaults=True):
    """With `recovered`, `events` are exactly those after `since`; without it, `state` is the whole state."""

    re: int
    show: str
    epoch: str
    seq: int
    recovered: bool
    state: msgspec.Raw | None = None
    events: list[msgspec.Raw] | None = None
    stock: dict[str, dict[str, int]] | None = None
    """With `recovered`: the units left of every open drop, by drop and SKU, true of `holds_at`."""
    holds: list[HoldView] | None = None
    holds_at: int = 0


class Left(_Message, frozen=True, kw_only=True, tag="left"):
    re: int
    show: str


class Held(_Message, frozen=True, kw_only=True, tag="held", omit_defaults=True):
    """The hold as it now stands: `state` is "held", or what became of it when the key was used before."""

    re: int
    show: str
    hold: str
    drop: str
    sku: str
    qty: int
    state: str
    expires_at_ms: int
    amount_minor: int
    offset: int
    order: str = ""


class Released(_Message, frozen=True, kw_only=True, tag="released"):
    re: int
    show: str
    hold: str
    offset: int


class Sold(_Message, frozen=True, kw_only=True, tag="sold"):
    re: int
    show: str
    hold: str
    order: str
    amount_minor: int
    offset: int


class Refused(_Message, frozen=True, kw_only=True, tag="refused", omit_defaults=True):
    re: int
    show: str
    reason: str
    offset: int
    free: int = 0
    detail: str = ""
    """For `declined`: what the payment provider said."""


class Done(_Message, frozen=True, kw_only=True, tag="done", omit_defaults=True):
    """A pin, update, unpin or announcement was carried out; `again` when the key had done so before."""

    re: int
    show: str
    seq: int
    drop: str = ""
    again: bool = False


class Error(_Message, frozen=True, kw_only=True, tag="error", omit_defaults=True):
    re: int | None
    code: str
    message: str
    temporary: bool


# Numbered events -----------------------------------------------------------------------------------------


class _Event(_Message, frozen=True, kw_only=True):
    show: str
    seq: int
    at_ms: int
    offset: int


class ShowStarted(_Event, frozen=True, kw_only=True, tag="show_started"):
    pass


class ShowEnded(_Event, frozen=True, kw_only=True, tag="show_ended"):
    pass


class DropOpened(_Event, frozen=True, kw_only=True, tag="drop_opened"):
    drop: DropView


class DropUpdated(_Event, frozen=True, kw_only=True, tag="drop_updated"):
    drop: str
    limit: int
    hold_ms: int
    prices: dict[str, int]
    stock: dict[str, int]


class DropClosed(_Event, frozen=True, kw_only=True, tag="drop_closed"):
    drop: str


class SoldOut(_Event, frozen=True, kw_only=True, tag="sold_out"):
    drop: str
    sku: str


class Restocked(_Event, frozen=True, kw_only=True, tag="restocked"):
    drop: str
    sku: str
    free: int


class Announcement(_Event, frozen=True, kw_only=True, tag="announcement"):
    text: str
    data: Any = None


# Unnumbered: latest wins ---------------------------------------------------------------------------------


class Stock(_Message, frozen=True, kw_only=True, tag="stock"):
    """Units left, by drop and SKU, of what changed since the last one."""

    show: str
    offset: int
    units: dict[str, dict[str, int]]


class Viewers(_Message, frozen=True, kw_only=True, tag="viewers"):
    show: str
    viewers: int


class Tick(_Message, frozen=True, kw_only=True, tag="tick"):
    server_time_ms: int


class Resync(_Message, frozen=True, kw_only=True, tag="resync"):
    """History was replaced or could not be followed: forget the state and take this one."""

    show: str
    epoch: str
    seq: int
    state: msgspec.Raw


# Personal events: to every socket of one viewer ----------------------------------------------------------


class _Personal(_Message, frozen=True, kw_only=True):
    show: str
    offset: int
    hold: HoldView


class HoldPlaced(_Personal, frozen=True, kw_only=True, tag="hold_placed"):
    pass


class HoldChanged(_Personal, frozen=True, kw_only=True, tag="hold_changed"):
    """A payment began or was declined: the deadline moved."""


class HoldReleased(_Personal, frozen=True, kw_only=True, tag="hold_released"):
    pass


class HoldExpired(_Personal, frozen=True, kw_only=True, tag="hold_expired"):
    pass


class OrderConfirmed(_Personal, frozen=True, kw_only=True, tag="order_confirmed"):
    pass


Reply = Welcome | Pong | Watching | Left | Held | Released | Sold | Refused | Done | Error
Event = ShowStarted | ShowEnded | DropOpened | DropUpdated | DropClosed | SoldOut | Restocked | Announcement
Personal = HoldPlaced | HoldChanged | HoldReleased | HoldExpired | OrderConfirmed
Message = Reply | Event | Stock | Viewers | Tick | Resync | Personal
