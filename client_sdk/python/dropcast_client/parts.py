"""Parts of messages: what a show, a drop, a card and a hold look like on the wire. Unknown fields are ignored.

Times are the server's, in milliseconds since 1970; money is in minor units of the show's currency.
"""

import msgspec


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    pass


class CardVariant(_Part, frozen=True, kw_only=True, omit_defaults=True):
    sku: str
    title: str
    image: str | None = None


class Card(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """What an app shows of a product."""

    product: str
    title: str
    currency: str
    variants: tuple[CardVariant, ...]
    description: str = ""
    vendor: str = ""
    image: str | None = None


class DropView(_Part, frozen=True, kw_only=True):
    """A drop: its card, its terms (`prices` by SKU), and the units left by SKU."""

    drop: str
    status: str
    """scheduled, open or closed."""
    limit: int
    hold_ms: int
    opened_at_ms: int
    opens_at_ms: int
    """When a scheduled drop opens."""
    closes_at_ms: int
    """When it closes by itself; 0 is never."""
    reveal_at_ms: int
    """When an app shows the card; 0 is at once."""
    prices: dict[str, int]
    stock: dict[str, int]
    card: Card


class ShowView(_Part, frozen=True, kw_only=True):
    show: str
    title: str
    creator: str
    currency: str
    status: str
    """scheduled, live or ended."""
    frozen: bool
    """Whether sales are stopped: nothing can be reserved for now."""
    starts_at_ms: int
    started_at_ms: int
    ended_at_ms: int


class State(_Part, frozen=True, kw_only=True):
    """The whole present state of a show."""

    show: ShowView
    drops: tuple[DropView, ...]
    viewers: int
    offset: int


class HoldView(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """A hold: `state` is held, paying, sold, released or expired."""

    hold: str
    drop: str
    sku: str
    qty: int
    state: str
    expires_at_ms: int
    amount_minor: int
    order: str = ""


class Limits(_Part, frozen=True, kw_only=True):
    message_bytes_max: int
    tick_ms: int
