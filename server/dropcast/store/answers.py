"""What the engine functions answer: one struct per kind of answer, one table of refusal codes.

Every answer of a show function is a MessagePack array that begins with a code; functions.lua describes them. What was
added to one later has a default here.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from dropcast.domain.drop import Drop, Units
from dropcast.domain.events import Beat
from dropcast.domain.faults import BadRequest, Conflict, EngineFault, Fault, NotFound, RateLimited, TooLarge
from dropcast.domain.hold import Hold, HoldState, UnsettledPayment
from dropcast.domain.ids import payment_key
from dropcast.domain.show import Frozen, Moderated, Show, ShowStatus
from dropcast.domain.trades import Outcome
from dropcast.metrics import counts


class ShowInfo(msgspec.Struct, frozen=True, array_like=True):
    """The part of a show that never changes: opaque to the engine."""

    title: str
    creator: str
    moderators: tuple[str, ...]
    currency: str


class ShowRecord(msgspec.Struct, frozen=True, array_like=True):
    info: ShowInfo
    status: ShowStatus
    starts_at_ms: int
    started_at_ms: int
    ended_at_ms: int
    epoch: str
    frozen: Frozen = Frozen.NO

    def as_show(self, show: str) -> Show:
        info = self.info
        return Show(
            id=show,
            title=info.title,
            creator=info.creator,
            moderators=info.moderators,
            currency=info.currency,
            status=self.status,
            starts_at_ms=self.starts_at_ms,
            started_at_ms=self.started_at_ms,
            ended_at_ms=self.ended_at_ms,
            frozen=self.frozen,
        )


class HoldRecord(msgspec.Struct, frozen=True, array_like=True):
    """A hold as the hash of holds keeps it under its id."""

    viewer: str
    drop: str
    sku: str
    qty: int
    state: HoldState
    expires_at_ms: int
    price_minor: int
    attempt: str
    held_until_ms: int

    def as_hold(self, hold: str) -> Hold:
        return Hold(
            hold,
            self.viewer,
            self.drop,
            self.sku,
            self.qty,
            self.state,
            self.expires_at_ms,
            self.price_minor,
        )

    def may_be_charged(self, at_ms: int) -> bool:
        """Whether a payment may stand without a sale: at `at_ms` the hold has ended, and names an attempt."""
        has_ended = not self.state.is_open or self.expires_at_ms <= at_ms
        return bool(self.attempt) and has_ended and self.state is not HoldState.SOLD

    def as_unsettled(self, show: str, hold: str) -> UnsettledPayment:
        return UnsettledPayment(
            hold=hold,
            viewer=self.viewer,
            key=payment_key(show, hold, self.attempt),
            amount_minor=self.qty * self.price_minor,
        )


class ScheduleAnswer(msgspec.Struct, frozen=True, array_like=True):
    code: str
    show: ShowRecord


class DoneAnswer(msgspec.Struct, frozen=True, array_like=True):
    code: str
    seq: int
    offset: int
    again: bool


class TradeAnswer(msgspec.Struct, frozen=True, array_like=True):
    code: str
    outcomes: list[Outcome]


class ReadAnswer(msgspec.Struct, frozen=True, array_like=True):
    code: str
    show: ShowRecord
    seq: int
    offset: int
    at_ms: int
    drops: tuple[Drop, ...]
    units: tuple[Units, ...]
    holds: tuple[Hold, ...]
    moderations: int = 0
    moderated: tuple[Moderated, ...] = ()
    viewers: int = 0


class BeatAnswer(msgspec.Struct, frozen=True, array_like=True):
    code: str
    beat: Beat


class LeaseAnswer(msgspec.Struct, frozen=True, array_like=True):
    code: str
    taken: bool


class AdoptAnswer(msgspec.Struct, frozen=True, array_like=True):
    code: str
    adopted: bool


class PermissionsAnswer(msgspec.Struct, frozen=True, array_like=True):
    code: str
    refused: list[tuple[list[str | int], str]]


_REFUSAL = msgspec.msgpack.Decoder(list[Any])
_OK = b"\xa2ok"
_UNKNOWN_SHOW = msgspec.msgpack.encode(["unknown_show"])

_FAULTS: dict[str, tuple[Callable[[str], Fault], str]] = {
    "unknown_show": (NotFound, "there is no such show"),
    "unknown_drop": (NotFound, "the show has no such drop"),
    "unknown_sku": (NotFound, "the drop has no SKU {0!r}"),
    "show_exists": (Conflict, "there is another show under this id"),
    "not_live": (Conflict, "the show is not live"),
    "ended": (Conflict, "the show has ended"),
    "closed": (Conflict, "the drop is closed"),
    "key_used": (Conflict, "the key was used before for something else"),
    "too_many_drops": (Conflict, "the show has {0} drops already, the most it may have"),
    "too_many_moderated": (
        Conflict,
        "the show has {0} muted or banned viewers already, the most it may have",
    ),
    "too_few_free": (Conflict, "of SKU {0!r} only {1} units are free to be taken back"),
    "rate_limited": (
        RateLimited,
        "the show's hosts have used up the {0} of this minute: try again in {1} s",
    ),
    "event_too_large": (TooLarge, "an event has {0} bytes at most"),
    "bad_request": (BadRequest, "the engine finds {0} out of bounds"),
    "wrong_type": (EngineFault, "the key {0} holds something that dropcast did not write"),
    "torn": (EngineFault, "the log {0} is ahead of its show: restore the engine's data"),
}
"""Every code that functions.lua answers besides "ok": the fault it means, and its sentence."""


def is_unknown_show(answer: bytes) -> bool:
    return answer == _UNKNOWN_SHOW


def raise_refusal(answer: bytes) -> None:
    """Raise the fault that `answer` means; return when it is "ok"."""
    if answer[1:4] == _OK:
        return
    # Without a name here: a name would be a cycle with the traceback, and keep all that was sent with the call until
    # the garbage collector comes.
    raise _refusal(answer)


def _refusal(answer: bytes) -> Fault:
    code, *details = _REFUSAL.decode(answer)
    if code not in _FAULTS:
        return EngineFault(f"the engine functions answered {code!r}, which this version does not know")
    kind, sentence = _FAULTS[code]
    fault = kind(sentence.format(*details))
    if isinstance(fault, RateLimited):
        fault.retry_after_s = details[1]
    _count(code, details)
    return fault


def _count(code: str, details: list[Any]) -> None:
    if code == "event_too_large":
        counts.limited["event_bytes_max"] += 1
    elif code == "rate_limited" and details[0] == "commands":
        counts.limited["host_commands_per_show_per_min"] += 1
    elif code == "rate_limited":
        counts.limited["log_bytes_per_show_per_min"] += 1
