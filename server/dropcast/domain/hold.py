"""A hold: units set aside for one viewer until a deadline; an order: a hold that was paid."""

from enum import StrEnum

import msgspec


class HoldState(StrEnum):
    HELD = "held"
    PAYING = "paying"
    SOLD = "sold"
    RELEASED = "released"
    EXPIRED = "expired"

    @property
    def is_open(self) -> bool:
        """Whether the hold keeps units from other viewers without having paid for them yet."""
        return self in (HoldState.HELD, HoldState.PAYING)


class Hold(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A hold as the engine answers it: written by functions.lua in this field order."""

    id: str
    viewer: str
    drop: str
    sku: str
    qty: int
    state: HoldState
    expires_at_ms: int
    """The deadline by the engine's clock; while a payment is under way, the payment's own deadline."""
    price_minor: int
    """Price of one unit when the hold was made: a later reprice does not change it."""

    @property
    def amount_minor(self) -> int:
        return self.qty * self.price_minor

    @property
    def order(self) -> str:
        """The order's id: one hold makes at most one order, so its id follows from the hold's."""
        return "o" + self.id


class UnsettledPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that may stand: its hold ended without a sale and still names the attempt to pay for it."""

    hold: str
    viewer: str
    key: str
    """What the payment provider was asked under, see ids.payment_key."""
    amount_minor: int


class Order(msgspec.Struct, frozen=True, array_like=True):
    """A paid hold: written by functions.lua in this field order."""

    id: str
    hold: str
    viewer: str
    drop: str
    sku: str
    qty: int
    amount_minor: int
    payment: str
    """The payment provider's reference."""
    sold_at_ms: int
