"""A drop: a product pinned in a show, with its own prices, per-buyer limit and allocated units per SKU."""

from enum import StrEnum

import msgspec


class DropStatus(StrEnum):
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
    """What the engine needs of a drop to decide: read and written by functions.lua in this field order."""

    status: DropStatus
    limit: int
    """Units that one viewer may hold and have bought of this drop, over all its SKUs."""
    hold_ms: int
    """How long a hold lasts, in milliseconds."""
    opened_at_ms: int
    """The engine's time."""
    prices: dict[str, int]
    """Price of one unit in minor units, by SKU. Its keys are the SKUs of the drop."""


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
