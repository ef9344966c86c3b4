"""A history: what clients asked and what they were answered, as they themselves saw it. Pure.

Recorded by recording.py, judged by checker.py. Times are seconds of one monotonic clock.
"""

import msgspec


class Holding(msgspec.Struct, frozen=True, kw_only=True, tag="holding"):
    """`held`: the hold as it stood at journal offset `offset`."""

    hold: str
    state: str
    drop: str
    sku: str
    qty: int
    offset: int
    expires_at_ms: int = 0


class Released(msgspec.Struct, frozen=True, kw_only=True, tag="released"):
    hold: str
    offset: int


class Sold(msgspec.Struct, frozen=True, kw_only=True, tag="sold"):
    hold: str
    order: str
    amount_minor: int
    offset: int


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    reason: str
    offset: int
    free: int = 0


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """An error that says that nothing was done."""

    code: str


class Unknown(msgspec.Struct, frozen=True, kw_only=True, tag="unknown"):
    """No answer came, or one that leaves it open: it was carried out once, or it was not."""

    why: str = ""


Answer = Holding | Released | Sold | Refused | Failed | Unknown


class Op(msgspec.Struct, frozen=True, kw_only=True):
    """One request of one client. A `reserve` has `key`, `drop`, `sku` and `qty`, the others have `hold`."""

    viewer: str
    kind: str
    """reserve, release or checkout."""
    began_s: float
    ended_s: float
    answer: Answer
    key: str = ""
    drop: str = ""
    sku: str = ""
    qty: int = 0
    hold: str = ""


def as_known_at(history: list[Op], at_s: float) -> list[Op]:
    """Return the history as somebody knew it at `at_s`: later answers are unknown, later requests may be too."""
    unknown = Unknown(why="answered later")
    return [op if op.ended_s < at_s else msgspec.structs.replace(op, answer=unknown) for op in history]
