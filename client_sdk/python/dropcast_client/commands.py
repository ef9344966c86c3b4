"""Commands: what this SDK says on the socket, one struct each.

`id` is the client's number for the command; the reply carries it as `re`. `key` makes a command repeatable:
the same key again has the same effect once. Fields that have their default are not sent.
"""

from typing import Any

import msgspec


class _Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    id: int


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """The last event that was seen."""

    epoch: str
    seq: int


class Hello(_Command, frozen=True, kw_only=True, tag="hello"):
    token: str | None = None


class Auth(_Command, frozen=True, kw_only=True, tag="auth"):
    token: str


class Ping(_Command, frozen=True, kw_only=True, tag="ping"):
    pass


class Watch(_Command, frozen=True, kw_only=True, tag="watch"):
    show: str
    since: Since | None = None


class Leave(_Command, frozen=True, kw_only=True, tag="leave"):
    show: str


class Reserve(_Command, frozen=True, kw_only=True, tag="reserve"):
    show: str
    drop: str
    sku: str
    qty: int
    key: str


class Release(_Command, frozen=True, kw_only=True, tag="release"):
    show: str
    hold: str


class Checkout(_Command, frozen=True, kw_only=True, tag="checkout"):
    show: str
    hold: str
    payment: str


class Pin(_Command, frozen=True, kw_only=True, tag="pin"):
    show: str
    key: str
    product: str
    units: dict[str, int]
    prices: dict[str, int] = {}
    limit: int | None = None
    hold_ms: int | None = None
    opens_at_ms: int = 0
    closes_at_ms: int = 0
    reveal_at_ms: int = 0


class Update(_Command, frozen=True, kw_only=True, tag="update"):
    show: str
    drop: str
    key: str
    add_units: dict[str, int] = {}
    prices: dict[str, int] = {}
    limit: int | None = None
    hold_ms: int | None = None


class Unpin(_Command, frozen=True, kw_only=True, tag="unpin"):
    show: str
    drop: str
    key: str


class Announce(_Command, frozen=True, kw_only=True, tag="announce"):
    show: str
    key: str
    text: str
    data: Any = None


class Freeze(_Command, frozen=True, kw_only=True, tag="freeze"):
    show: str


class Thaw(_Command, frozen=True, kw_only=True, tag="thaw"):
    show: str


class Mute(_Command, frozen=True, kw_only=True, tag="mute"):
    show: str
    viewer: str
    mute: bool = True


class Ban(_Command, frozen=True, kw_only=True, tag="ban"):
    show: str
    viewer: str
    ban: bool = True


Command = (
    Hello
    | Auth
    | Ping
    | Watch
    | Leave
    | Reserve
    | Release
    | Checkout
    | Pin
    | Update
    | Unpin
    | Announce
    | Freeze
    | Thaw
    | Mute
    | Ban
)
