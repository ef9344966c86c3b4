"""Commands: what a client may say on the socket. One frozen tagged struct each, one union to decode.

`id` is the client's number for the command; the reply carries it as `re`. `key` makes a command repeatable:
the same key again has the same effect once.
"""

from typing import Any

import msgspec

from dropcast.wire.fields import (
    Count,
    Epoch,
    Handle,
    HoldMs,
    Id,
    Key,
    Limit,
    Minor,
    Name,
    Quantity,
    Sku,
    Text,
    Token,
    Units,
    UnitsChange,
)


class _Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=False):
    id: Count


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """The last event a client has seen."""

    epoch: Epoch
    seq: Count


class Hello(_Command, frozen=True, kw_only=True, tag="hello"):
    """First on every socket. Without a token: an anonymous viewer."""

    token: Token | None = None


class Auth(_Command, frozen=True, kw_only=True, tag="auth"):
    """Renew the token on an open socket; it must name the same viewer."""

    token: Token


class Ping(_Command, frozen=True, kw_only=True, tag="ping"):
    """Ask for the engine's time: half the round trip gives the clock offset."""


class Watch(_Command, frozen=True, kw_only=True, tag="watch"):
    """Follow a show: its state now, or what was missed `since`, and all that comes after."""

    show: Id
    since: Since | None = None


class Leave(_Command, frozen=True, kw_only=True, tag="leave"):
    """Follow a show no more."""

    show: Id


class Reserve(_Command, frozen=True, kw_only=True, tag="reserve"):
    """Set units aside for this viewer until a deadline. Needs a token, or guests may buy."""

    show: Id
    drop: Id
    sku: Sku
    qty: Quantity
    key: Key


class Release(_Command, frozen=True, kw_only=True, tag="release"):
    """Give a hold's units back."""

    show: Id
    hold: Id


class Checkout(_Command, frozen=True, kw_only=True, tag="checkout"):
    """Pay for a hold. `payment` is the payment provider's token; the hold is the idempotency key."""

    show: Id
    hold: Id
    payment: Token


class Pin(_Command, frozen=True, kw_only=True, tag="pin"):
    """Pin a product of the catalogue as a drop."""

    show: Id
    key: Key
    product: Handle
    units: dict[Sku, Units]
    """Allocated units by SKU; at least one SKU of the product."""
    prices: dict[Sku, Minor] = {}
    """Prices that differ from the catalogue's."""
    limit: Limit | None = None
    hold_ms: HoldMs | None = None
    opens_at_ms: Count = 0
    """When sales open, by the engine's clock; 0 or a time that has passed: at once."""
    closes_at_ms: Count = 0
    """When sales close; 0: not by themselves."""
    reveal_at_ms: Count = 0
    """When apps show the card: carried to them as it is; 0 is at once."""


class Update(_Command, frozen=True, kw_only=True, tag="update"):
    """Top up (relative), reprice, or change the terms of an open drop."""

    show: Id
    drop: Id
    key: Key
    add_units: dict[Sku, UnitsChange] = {}
    prices: dict[Sku, Minor] = {}
    limit: Limit | None = None
    hold_ms: HoldMs | None = None


class Unpin(_Command, frozen=True, kw_only=True, tag="unpin"):
    """Close a drop: no more can be reserved, open holds may still be paid."""

    show: Id
    drop: Id
    key: Key


class Announce(_Command, frozen=True, kw_only=True, tag="announce"):
    """Say something to every viewer of the show."""

    show: Id
    key: Key
    text: Text
    data: Any = None


class Freeze(_Command, frozen=True, kw_only=True, tag="freeze"):
    """For operators: stop sales of a show. Reserves are refused as `frozen`; open holds may still be paid."""

    show: Id


class Thaw(_Command, frozen=True, kw_only=True, tag="thaw"):
    """For operators: let sales of a show go on."""

    show: Id


class Mute(_Command, frozen=True, kw_only=True, tag="mute"):
    """For hosts: a viewer may watch on, but reserve nothing in this show. `mute` False undoes it."""

    show: Id
    viewer: Name
    mute: bool = True
    """False undoes it."""


class Ban(_Command, frozen=True, kw_only=True, tag="ban"):
    """For hosts: a viewer may neither watch nor reserve in this show. `ban` False undoes it."""

    show: Id
    viewer: Name
    ban: bool = True
    """False undoes it."""


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
