"""The names under which Locust counts what happens: one table, so that all processes and pages agree. Pure.

An entry is a type, whose doing it is, and a name, what they did and how it ended. Locust sorts by name, so the
outcomes of one command stand together. A refusal is an answer: it has an entry of its own and is no failure. What
must never happen is of the type FAULT, and always a failure.
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

VIEWER = "viewer"
SCALPER = "scalper"
CREATOR = "creator"
SHOW = "show"
FAULT = "fault"
AUDIT = "audit"

JOIN = "join"
RESERVE = "reserve"
PAY = "pay"
RELEASE = "release"

_OUTCOMES: Mapping[type, str] = {Held: "held", Released: "done", Sold: "sold"}
_REFUSED = "refused: "
_RUN_OF_SHOW = "run of show: "


class Entry(NamedTuple):
    type: str
    name: str


CAME_BACK = Entry(VIEWER, "join again")
FAN_OUT = Entry(SHOW, "event")
THROTTLED = Entry(SCALPER, f"{RESERVE} {_REFUSED}rate limited")
SENT_AWAY = Entry(SCALPER, f"{RESERVE} flood, sent away")
BOOKS = Entry(AUDIT, "books")
LOST = Entry(FAULT, "lost")
DOOR = Entry(FAULT, "back office")
TWO_HOLDS = Entry(FAULT, "two holds for one key")

_WITNESSED: Mapping[str, Entry] = {"gaps": Entry(FAULT, "gap"), "duplicates": Entry(FAULT, "duplicate")}


def joined(who: str) -> Entry:
    return Entry(who, JOIN)


def answered(who: str, command: str, answer: Held | Released | Sold | Refused) -> Entry:
    """Return the entry of somebody's command and its answer."""
    if isinstance(answer, Refused):
        return Entry(who, f"{command} {_REFUSED}{answer.reason.replace('_', ' ')}")
    return Entry(who, f"{command} {_OUTCOMES[type(answer)]}")


def hosted(act: str) -> Entry:
    """Return the entry of a step in the run of show."""
    return Entry(CREATOR, _RUN_OF_SHOW + act.replace("_", " "))


def count_steps(counts: Mapping[Entry, int]) -> int:
    """Return how many steps of the run of show were carried out."""
    return sum(
        count
        for entry, count in counts.items()
        if entry.type == CREATOR and entry.name.startswith(_RUN_OF_SHOW)
    )


def witnessed(count: str) -> Entry | None:
    """Return the fault that the witness counts under this name, or None when it is none."""
    return _WITNESSED.get(count)


def error(failure: DropcastError) -> Entry:
    """Return the fault of a command that got no answer, or an error for one."""
    match failure:
        case OutcomeUnknown():
            return Entry(FAULT, "no answer")
        case CallError(code=code):
            return Entry(FAULT, f"error: {code.replace('_', ' ')}")
        case Disconnected():
            return LOST
        case _:
            return Entry(FAULT, type(failure).__name__)


def count_answers(counts: Mapping[Entry, int], who: str, command: str) -> int:
    """Return how many answers somebody's commands got."""
    return sum(
        count
        for entry, count in counts.items()
        if entry.type == who and entry.name.startswith(f"{command} ") and entry != SENT_AWAY
    )


def refusals(counts: Mapping[Entry, int], who: str, command: str) -> dict[str, int]:
    """Return how often each reason was given to somebody's commands."""
    prefix = f"{command} {_REFUSED}"
    return {
        entry.name.removeprefix(prefix): count
        for entry, count in sorted(counts.items())
        if entry.type == who and entry.name.startswith(prefix)
    }
