"""A drop: a product pinned in a show, with its own prices, per-buyer limit and allocated units per SKU."""

from enum import StrEnum

import msgspec


class DropStatus(StrEnum):
    SCHEDULED = "scheduled"
    """Pinned, but not open for sale before its time."""
    OPEN = "open"
    CLOSED = "closed"


class CardVariant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One choice on a product card."""

    sku: str
    title: str
    image: str | None = None


class Card(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a viewer's app shows of a drop: fixed once pinned, and opaque to the engine."""

    product: str
    title: str
    currency: str
    variants: tuple[CardVariant, ...]
    description: str = ""
    vendor: str = ""
    image: str | None = None


class Terms(msgspec.Struct, frozen=True, array_like=True):
    """What the engine needs of a drop to decide: read and written by functions.lua in this field order.

    A field that was added later has a default: records and publications of older functions lack it.
    """

    status: DropStatus
    limit: int
    """Units that one viewer may hold and have bought of this drop, over all its SKUs."""
    hold_ms: int
    """How long a hold lasts, in milliseconds."""
    opened_at_ms: int
    """The engine's time; 0 while scheduled."""
    prices: dict[str, int]
    """Price of one unit in minor units, by SKU. Its keys are the SKUs of the drop."""
    opens_at_ms: int = 0
    """When a scheduled drop opens, by the engine's clock; 0 is "at once"."""
    closes_at_ms: int = 0
    """When it closes by itself; 0 is "not by itself"."""
    reveal_at_ms: int = 0
    """When apps show its card: carried to them, and nothing to the engine."""

    @property
    def next_change_ms(self) -> int:
        """When the drop opens or closes by itself next; 0 when it does not."""
        if self.status is DropStatus.SCHEDULED:
            return self.opens_at_ms
        return self.closes_at_ms if self.status is DropStatus.OPEN else 0


class Drop(msgspec.Struct, frozen=True, array_like=True):
    id: str
    terms: Terms
    card: Card


class Units(msgspec.Struct, frozen=True, array_like=True):
    """The four counters of one SKU of one drop. free + held + sold = allocated, always."""

    drop: str
    sku: str
    free: int
    held: int
    sold: int
    allocated: int

    @property
    def conserved(self) -> bool:
        return (
            min(self.free, self.held, self.sold) >= 0 and self.free + self.held + self.sold == self.allocated
        )
