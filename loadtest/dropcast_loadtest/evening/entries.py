"""The names under which Locust counts what happens: one table, so that all processes and pages agree. Pure.

An entry is a type and a name. A refusal is an answer, so it has an entry of its own and is no failure. What must
never happen is of the type FAULT, and always a failure.
"""

from collections.abc import Mapping
from typing import NamedTuple

from dropcast_client import (
    CallError,
    Disconnected,
    DropcastError,
    Held,
    OutcomeUnknown,
    Refused,
    Released,
    Sold,
)

JOIN = "join"
FAN_OUT = "fan-out"
RESERVE = "reserve"
SCALP = "scalp"
PAY = "pay"
RELEASE = "release"
HOST = "host"
FAULT = "fault"
AUDIT = "audit"

_REFUSED = "refused: "


class Entry(NamedTuple):
    type: str
    name: str


CAME_BACK = Entry(JOIN, "came back")
EVENT = Entry(FAN_OUT, "event")
THROTTLED = Entry(SCALP, "refused: rate limited")
SENT_AWAY = Entry(SCALP, "sent away")
BOOKS = Entry(AUDIT, "books")

_FAULTS: Mapping[str, str] = {
    "gaps": "gap",
    "duplicates": "duplicate",
    "two_holds": "two holds for one key",
    "lost": "lost",
}
"""What the witness and the users count, and its name as a fault."""


def joined(who: str) -> Entry:
    return Entry(JOIN, who)


def answered(kind: str, answer: Held | Released | Sold | Refused) -> Entry:
    """Return the entry of a command of that type and its answer."""
    match answer:
        case Held():
            return Entry(kind, "held")
        case Released():
            return Entry(kind, "released")
        case Sold():
            return Entry(kind, "sold")
        case Refused(reason=reason):
            return Entry(kind, _REFUSED + reason.replace("_", " "))


def hosted(act: str) -> Entry:
    return Entry(HOST, act.replace("_", " "))


def fault(count: str) -> Entry | None:
    """Return the fault that a count of this name is, or None when it is none."""
    return Entry(FAULT, _FAULTS[count]) if count in _FAULTS else None


def error(failure: DropcastError) -> Entry:
    """Return the fault of a command that got no answer, or an error for one."""
    match failure:
        case OutcomeUnknown():
            return Entry(FAULT, "no answer")
        case CallError(code=code):
            return Entry(FAULT, f"error: {code}")
        case Disconnected():
            return Entry(FAULT, "lost")
        case _:
            return Entry(FAULT, type(failure).__name__)


def refusals(counts: Mapping[Entry, int], kind: str) -> dict[str, int]:
    """Return how often each reason was given to commands of that type."""
    return {
        entry.name.removeprefix(_REFUSED): count
        for entry, count in sorted(counts.items())
        if entry.type == kind and entry.name.startswith(_REFUSED)
    }
