"""Where the users of one process put down what they see: timings and faults for Locust, promises in the ledger."""

import time
from collections.abc import Callable

from dropcast_client import DropcastError
from dropcast_loadtest.evening.entries import CAME_BACK, FAN_OUT, Entry, error, witnessed
from dropcast_loadtest.evening.ledger import Ledger

Fire = Callable[[Entry, float | None, Exception | None], None]
"""fire(entry, milliseconds if it took any, what failed) counts one request of Locust's."""


class Fault(Exception):
    """What must never happen, as Locust lists it among its failures."""


class Notes:
    def __init__(self, fire: Fire, ledger: Ledger) -> None:
        self.ledger = ledger
        self._fire = fire

    def timed(self, entry: Entry, began_s: float) -> None:
        """Count something that began at `began_s` of time.monotonic() and ends now."""
        self._fire(entry, (time.monotonic() - began_s) * 1000, None)

    def took(self, entry: Entry, duration_ms: float) -> None:
        self._fire(entry, duration_ms, None)

    def happened(self, entry: Entry) -> None:
        """Count something that has no duration, or none that says anything about the server."""
        self._fire(entry, None, None)

    def fault(self, entry: Entry, words: str) -> None:
        self._fire(entry, None, Fault(words))

    def failed(self, failure: DropcastError) -> None:
        self.fault(error(failure), str(failure))


class _FanOut:
    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def record(self, value: int) -> None:
        self._notes.took(FAN_OUT, value / 1000)


class Sight:
    """What the witness beside one socket sees; it stands where the crowd has its tally."""

    def __init__(self, notes: Notes) -> None:
        self.fanout_us = _FanOut(notes)
        self._notes = notes
        self._broke_at_s: float | None = None

    def line_breaks(self) -> None:
        """From now on the time counts until all that is missed has come."""
        self._broke_at_s = time.monotonic()

    def count(self, name: str, by: int = 1) -> None:
        if name == "delivered":
            self._notes.ledger.count("delivered", by)
        elif name == "recovered" and self._broke_at_s is not None:
            self._notes.timed(CAME_BACK, self._broke_at_s)
            self._broke_at_s = None
        elif (entry := witnessed(name)) is not None:
            for _ in range(by):
                self._notes.fault(entry, f"{name} on a socket")
