"""What the consumer of a show is handed: messages of the wire about the show, and three kinds made here."""

from typing import Any

import msgspec

from dropcast_client.messages import Numbered, Personal, Stock, Viewers
from dropcast_client.parts import HoldView, State


class Resynced(msgspec.Struct, frozen=True, kw_only=True):
    """The whole present state: forget what was known of the show and begin here.

    It comes first, and again whenever the events in between cannot be had. `holds` are the viewer's open
    holds as far as they are known.
    """

    show: str
    epoch: str
    seq: int
    state: State
    holds: tuple[HoldView, ...]
    first: bool
    """True for the first one that a subscription sees."""


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """The connection came back and every missed event has been handed on: the view is up to date again."""

    show: str
    epoch: str
    seq: int
    missed: int
    """How many numbered events came with the reply."""
    holds: tuple[HoldView, ...]


class Unknown(msgspec.Struct, frozen=True):
    """A message of a type, or with a form, that this version of the SDK does not know."""

    type: str
    raw: dict[str, Any]

    @property
    def show(self) -> str:
        """The show that it is about, or ""."""
        show = self.raw.get("show")
        return show if isinstance(show, str) else ""

    @property
    def re(self) -> int | None:
        re = self.raw.get("re")
        return re if isinstance(re, int) else None

    @property
    def seq(self) -> int:
        """Its number when it is a numbered event (those carry `at_ms` too), or 0."""
        seq = self.raw.get("seq")
        return seq if isinstance(seq, int) and "at_ms" in self.raw and "re" not in self.raw else 0


Event = Numbered | Personal | Stock | Viewers | Resynced | Recovered | Unknown
