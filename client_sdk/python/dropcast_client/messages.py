"""Messages: what the server says on the socket, one struct each. Replies carry `re`; numbered events `seq`.

Unknown fields are ignored. `offset` is the journal offset that figures of stock and holds are true of. Times
are the server's, in milliseconds since 1970; money is in minor units of the show's currency.
"""

from typing import Any

import msgspec

from dropcast_client.parts import DropView, HoldView, Limits, State


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    pass


# Replies -------------------------------------------------------------------------------------------------


class Welcome(_Message, frozen=True, kw_only=True, tag="welcome", omit_defaults=True):
    re: int
    viewer: str
    role: str
    server_time_ms: int
    limits: Limits
    token: str = ""


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
    state: State | None = None
    events: list[msgspec.Raw] | None = None
    stock: dict[str, dict[str, int]] | None = None
    holds: list[HoldView] | None = None
    holds_at: int = 0


class Left(_Message, frozen=True, kw_only=True, tag="left"):
    re: int
    show: str


class Held(_Message, frozen=True, kw_only=True, tag="held", omit_defaults=True):
    """Units set aside until `expires_at_ms`. With a key used before: the hold as it now stands."""

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
    """No, and why: `reason` is sold_out, limit, not_open, frozen, expired ... `free` is what could be had."""

    re: int
    show: str
    reason: str
    offset: int
    free: int = 0
    detail: str = ""


class Done(_Message, frozen=True, kw_only=True, tag="done", omit_defaults=True):
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


class DropScheduled(_Event, frozen=True, kw_only=True, tag="drop_scheduled"):
    """A drop was pinned that opens later; `drop_opened` follows at its time."""

    drop: DropView


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


class SalesFrozen(_Event, frozen=True, kw_only=True, tag="sales_frozen"):
    """Nothing can be reserved until `sales_thawed`; open holds may still be paid."""

    reason: str


class SalesThawed(_Event, frozen=True, kw_only=True, tag="sales_thawed"):
    pass


class Announcement(_Event, frozen=True, kw_only=True, tag="announcement"):
    text: str
    data: Any = None


# Unnumbered: latest wins ---------------------------------------------------------------------------------


class Stock(_Message, frozen=True, kw_only=True, tag="stock"):
    """Units left, by drop and SKU, of what changed."""

    show: str
    offset: int
    units: dict[str, dict[str, int]]


class Viewers(_Message, frozen=True, kw_only=True, tag="viewers"):
    show: str
    viewers: int


class Tick(_Message, frozen=True, kw_only=True, tag="tick"):
    server_time_ms: int


class Resync(_Message, frozen=True, kw_only=True, tag="resync"):
    """History was replaced: forget the state and take this one."""

    show: str
    epoch: str
    seq: int
    state: State


class Banned(_Message, frozen=True, kw_only=True, tag="banned"):
    """The viewer was banned from a show: this socket watches it no longer."""

    show: str


class GoingAway(_Message, frozen=True, kw_only=True, tag="going_away"):
    """The server will close this socket with 4000; come back `after_ms` from now, and not before."""

    after_ms: int


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
Numbered = (
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
Message = Reply | Numbered | Stock | Viewers | Tick | Resync | Banned | GoingAway | Personal
