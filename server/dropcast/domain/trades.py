"""Trades: what may be asked of a show's stock, and what the engine answers.

Many trades ride in one engine call. Each sees the effects of those before it, and a bad one is an answer of
its own, so it never costs its neighbours anything. All are flat, so the garbage collector need not look at them.
"""

from enum import StrEnum

import msgspec

from dropcast.domain.hold import Hold


class Reserve(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False, tag="reserve"):
    """Set `qty` units of `sku` aside for `viewer`. `hold` follows from viewer and key, see ids.hold_id."""

    hold: str
    viewer: str
    drop: str
    sku: str
    qty: int


class Release(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False, tag="release"):
    """Give a hold's units back. Again on a released hold: the same answer."""

    hold: str
    viewer: str


class Pay(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False, tag="pay"):
    """Begin to pay: held -> paying, with a deadline of at least `pay_ms` from now.

    `attempt` names the attempt (a fingerprint of the payment token). The same attempt may join again; another
    one is refused with `paying` until the first has ended.
    """

    hold: str
    viewer: str
    attempt: str
    pay_ms: int


class Unpay(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False, tag="unpay"):
    """End a declined attempt: paying -> held with its first deadline, or expired when that has passed."""

    hold: str
    viewer: str
    attempt: str


class Sell(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False, tag="sell"):
    """Paying -> sold, and the order is written. Again on a sold hold: the same order."""

    hold: str
    viewer: str
    attempt: str
    payment: str


class Expire(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False, tag="expire"):
    """Do whatever is due: expire holds, open and close drops, announce restocked units that have been free long enough.

    Granted, with an empty hold.
    """


Trade = Reserve | Release | Pay | Unpay | Sell | Expire


class Reason(StrEnum):
    """Why a trade was refused: an answer, not an error, and not remembered."""

    SOLD_OUT = "sold_out"
    LIMIT = "limit"
    TOO_MANY_HOLDS = "too_many_holds"
    CLOSED = "closed"
    NOT_LIVE = "not_live"
    NOT_OPEN = "not_open"
    """The drop is scheduled."""
    FROZEN = "frozen"
    """An operator, or lost history, has stopped the show's sales."""
    MUTED = "muted"
    BANNED = "banned"
    EXPIRED = "expired"
    RELEASED = "released"
    SOLD = "sold"
    PAYING = "paying"
    NOT_PAYING = "not_paying"
    DECLINED = "declined"


class Problem(StrEnum):
    """What is wrong with a trade that no time or stock can mend."""

    UNKNOWN_SHOW = "unknown_show"
    UNKNOWN_DROP = "unknown_drop"
    UNKNOWN_SKU = "unknown_sku"
    UNKNOWN_HOLD = "unknown_hold"
    NOT_YOURS = "not_yours"
    CONFLICT = "conflict"
    BAD_QTY = "bad_qty"
    BAD_TRADE = "bad_trade"


class Granted(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="granted"):
    """The hold as it now stands, and the journal offset that it is true of."""

    hold: Hold
    offset: int


class Refused(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="refused"):
    reason: Reason
    offset: int
    free: int = 0
    """For `sold_out` and `limit`: the units that could be had instead."""


class Invalid(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="invalid"):
    problem: Problem


Outcome = Granted | Refused | Invalid
