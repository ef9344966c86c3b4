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
    """One choice on a product card."""

    sku: str
    title: str
    image: str | None = None


class Card(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an app shows of a drop: fixed once pinned."""

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
    """scheduled, open or closed."""
    limit: int
    hold_ms: int
    opened_at_ms: int
    opens_at_ms: int
    closes_at_ms: int
    reveal_at_ms: int
    prices: dict[str, int]
    stock: dict[str, int]
    card: Card


class ShowView(msgspec.Struct, frozen=True, kw_only=True):
    """A show as viewers see it."""

    show: str
    title: str
    creator: str
    currency: str
    status: str
    frozen: bool
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
    """A hold as its viewer sees it."""

    hold: str
    drop: str
    sku: str
    qty: int
    state: str
    expires_at_ms: int
    amount_minor: int
    order: str = ""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a client must keep to."""

    message_bytes_max: int
    """Bytes of a message to the server at most: a larger one closes the socket."""
    tick_ms: int
    """How often every room hears a tick: 2.4 times as long in silence means a lost connection."""


# Replies -------------------------------------------------------------------------------------------------


class Welcome(_Message, frozen=True, kw_only=True, tag="welcome", omit_defaults=True):
    """Hello or auth is accepted: who the viewer is, the server's time, and the limits."""

    re: int
    viewer: str
    role: str
    server_time_ms: int
    limits: Limits
    token: str = ""
    """A guest's signed token, when guests may buy: say it in the next hello to get the holds back."""


class Pong(_Message, frozen=True, kw_only=True, tag="pong"):
    """The engine's time."""

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
    """With `recovered`: the numbered events after `since`, in order, up to `seq`."""
    stock: dict[str, dict[str, int]] | None = None
    """With `recovered`: the units left of every open drop, by drop and SKU, true of `holds_at`."""
    holds: list[HoldView] | None = None
    holds_at: int = 0


class Left(_Message, frozen=True, kw_only=True, tag="left"):
    """The show is followed no more."""

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
    """The units are given back. Again on a released hold: the same answer."""

    re: int
    show: str
    hold: str
    offset: int


class Sold(_Message, frozen=True, kw_only=True, tag="sold"):
    """The hold is paid and has become an order. Again on a sold hold: the same answer."""

    re: int
    show: str
    hold: str
    order: str
    amount_minor: int
    offset: int


class Refused(_Message, frozen=True, kw_only=True, tag="refused", omit_defaults=True):
    """A no that is an answer, not an error, and is not remembered: the same key may hold later."""

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
    """Whether the key had been carried out before: nothing was changed this time."""


class Error(_Message, frozen=True, kw_only=True, tag="error", omit_defaults=True):
    """A command could not be carried out, or the message was none; the socket goes on."""

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
    """The creator went on air."""


class ShowEnded(_Event, frozen=True, kw_only=True, tag="show_ended"):
    """The show is over, its drops are closed; open holds may still be paid."""


class DropScheduled(_Event, frozen=True, kw_only=True, tag="drop_scheduled"):
    """A drop was pinned that opens later: `drop_opened` follows at its time."""

    drop: DropView


class DropOpened(_Event, frozen=True, kw_only=True, tag="drop_opened"):
    """A product was pinned, or a scheduled drop has come to its time: it can be reserved."""

    drop: DropView


class DropUpdated(_Event, frozen=True, kw_only=True, tag="drop_updated"):
    """The terms or the units of a drop changed: all of them as they are now."""

    drop: str
    limit: int
    hold_ms: int
    prices: dict[str, int]
    stock: dict[str, int]


class DropClosed(_Event, frozen=True, kw_only=True, tag="drop_closed"):
    """No more of the drop can be reserved; open holds may still be paid."""

    drop: str


class SoldOut(_Event, frozen=True, kw_only=True, tag="sold_out"):
    """The last free unit went."""

    drop: str
    sku: str


class Restocked(_Event, frozen=True, kw_only=True, tag="restocked"):
    """Units have been free again for half a second."""

    drop: str
    sku: str
    free: int


class SalesFrozen(_Event, frozen=True, kw_only=True, tag="sales_frozen"):
    """Nothing can be reserved in this show until `sales_thawed`; open holds may still be paid."""

    reason: str
    """operator, or lost_history."""


class SalesThawed(_Event, frozen=True, kw_only=True, tag="sales_thawed"):
    """Sales of the show go on."""


class Announcement(_Event, frozen=True, kw_only=True, tag="announcement"):
    """Something was said to every viewer."""

    text: str
    data: Any = None


# Unnumbered: latest wins ---------------------------------------------------------------------------------


class Stock(_Message, frozen=True, kw_only=True, tag="stock"):
    """Units left, by drop and SKU, of what changed since the last one."""

    show: str
    offset: int
    units: dict[str, dict[str, int]]


class Viewers(_Message, frozen=True, kw_only=True, tag="viewers"):
    """How many viewers watch the show, over all workers."""

    show: str
    viewers: int


class Tick(_Message, frozen=True, kw_only=True, tag="tick"):
    """The connection lives: to every socket that watches a show."""

    server_time_ms: int


class Resync(_Message, frozen=True, kw_only=True, tag="resync"):
    """History was replaced or could not be followed: forget the state and take this one."""

    show: str
    epoch: str
    seq: int
    state: msgspec.Raw


class Banned(_Message, frozen=True, kw_only=True, tag="banned"):
    """To the sockets of a viewer who was banned from a show: they have left it."""

    show: str


class GoingAway(_Message, frozen=True, kw_only=True, tag="going_away"):
    """The worker stops: the socket will be closed with 4000, and should come back after `after_ms`."""

    after_ms: int
    """How long to wait, in milliseconds."""


# Personal events: to every socket of one viewer ----------------------------------------------------------


class _Personal(_Message, frozen=True, kw_only=True):
    show: str
    offset: int
    hold: HoldView


class HoldPlaced(_Personal, frozen=True, kw_only=True, tag="hold_placed"):
    """The viewer has a new hold, made on another socket of theirs: the one that reserved gets `held`."""


class HoldChanged(_Personal, frozen=True, kw_only=True, tag="hold_changed"):
    """A payment began or was declined: the deadline moved."""


class HoldReleased(_Personal, frozen=True, kw_only=True, tag="hold_released"):
    """A hold was given back."""


class HoldExpired(_Personal, frozen=True, kw_only=True, tag="hold_expired"):
    """A hold came to its deadline: its units are free again."""


class OrderConfirmed(_Personal, frozen=True, kw_only=True, tag="order_confirmed"):
    """A hold was paid and has become an order."""


Reply = Welcome | Pong | Watching | Left | Held | Released | Sold | Refused | Done | Error
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
Personal = HoldPlaced | HoldChanged | HoldReleased | HoldExpired | OrderConfirmed
Message = Reply | Event | Stock | Viewers | Tick | Resync | Banned | GoingAway | Personal
