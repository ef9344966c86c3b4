"""Drives a session by hand: time, the socket and the server's words come from the test."""

import json
from typing import Any

import msgspec

from dropcast_client.actions import Action, Change, Dial, End, Hand, HangUp, Resolve, Send
from dropcast_client.backoff import Backoff
from dropcast_client.codec import JSON
from dropcast_client.commands import Reserve
from dropcast_client.events import Event
from dropcast_client.session import Session
from tests.sdk.worker import SHOW, Message, drop_view, hold_view, show_view

TICK_MS = 25_000


def new_session(**options: Any) -> Session:
    return Session(JSON, backoff=Backoff(0.2, 20.0, uniform=lambda low, high: high), **options)


class Driver:
    """Keeps what the session asked for, by kind."""

    def __init__(self, **options: Any) -> None:
        self.session = new_session(**options)
        self.now_s = 100.0
        self.actions: list[Action] = []

    # Inputs ----------------------------------------------------------------------------------------------

    def connected(self) -> "Driver":
        """Go through to the welcome."""
        self.session.connect(self.now_s)
        self.open()
        self.welcome()
        self.take()
        return self

    def watching(self, seq: int = 0, **state: Any) -> "Driver":
        """Be connected, and watch the show up to `seq`."""
        self.connected()
        self.session.watch(SHOW, self.now_s)
        self.answer_watch(seq=seq, recovered=False, state=a_state(**state))
        self.take()
        return self

    def open(self, token: str | None = None) -> None:
        self.session.opened(token, self.now_s)

    def welcome(self, **fields: Any) -> None:
        hello = self.last_sent("hello")
        self.say(welcome(hello["id"]) | fields)

    def answer_watch(self, *, epoch: str = "e1", **fields: Any) -> None:
        watch = self.last_sent("watch")
        self.say({"type": "watching", "re": watch["id"], "show": SHOW, "epoch": epoch} | fields)

    def say(self, message: Message) -> None:
        self.session.received(json.dumps(message).encode(), self.now_s)
        self.collect()

    def event(self, seq: int, kind: str = "announcement", **fields: Any) -> None:
        self.say(an_event(seq, kind, **fields))

    def lose(self, code: int = 1006, reason: str = "") -> None:
        self.session.lost(code, reason, self.now_s)

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.session.tick(self.now_s)

    def wait_until_due(self) -> None:
        self.now_s = self.session.wake_at_s
        self.session.tick(self.now_s)

    def reserve(self, key: str = "k1", timeout_s: float = 15.0) -> int:
        number = self.session.next_id()
        command = Reserve(id=number, show=SHOW, drop="drop-1", sku="cap-red", qty=1, key=key)
        self.session.call(command, self.now_s, timeout_s)
        return number

    # Outputs ---------------------------------------------------------------------------------------------

    def collect(self) -> None:
        self.actions += self.session.take()

    def take(self) -> list[Action]:
        """Return what the session asked for since the last call."""
        self.collect()
        actions, self.actions = self.actions, []
        return actions

    def seen(self, kind: type[Action]) -> list[Any]:
        self.collect()
        return [action for action in self.actions if isinstance(action, kind)]

    def sent(self, kind: str) -> list[Message]:
        """The commands of one type that were sent."""
        payloads: list[Message] = [msgspec.json.decode(action.payload) for action in self.seen(Send)]
        return [payload for payload in payloads if payload["type"] == kind]

    def last_sent(self, kind: str) -> Message:
        return self.sent(kind)[-1]

    def events(self) -> list[Event]:
        return [action.event for action in self.seen(Hand)]

    def changes(self) -> list[tuple[str, int]]:
        return [(change.connection.phase.value, change.connection.code) for change in self.seen(Change)]

    def resolved(self) -> dict[int, Any]:
        return {action.call: action.answer for action in self.seen(Resolve)}

    def dials(self) -> list[Dial]:
        return self.seen(Dial)

    def hang_ups(self) -> list[HangUp]:
        return self.seen(HangUp)

    def ends(self) -> list[End]:
        return self.seen(End)


def welcome(re: int, tick_ms: int = TICK_MS) -> Message:
    limits = {"message_bytes_max": 65_536, "tick_ms": tick_ms}
    who = {"viewer": "eve", "role": "viewer"}
    return {"type": "welcome", "re": re, **who, "server_time_ms": 1_700_000_000_000, "limits": limits}


def a_state(stock: int = 5, offset: int = 10) -> Message:
    return {"show": show_view(), "drops": [drop_view(stock)], "viewers": 1, "offset": offset}


def an_event(seq: int, kind: str = "announcement", **fields: Any) -> Message:
    if kind == "announcement":
        fields = {"text": f"event {seq}"} | fields
    return {"type": kind, "show": SHOW, "seq": seq, "at_ms": 2_000, "offset": 10} | fields


def stock(units: int, offset: int, sku: str = "cap-red") -> Message:
    return {"type": "stock", "show": SHOW, "offset": offset, "units": {"drop-1": {sku: units}}}


def personal(kind: str, state: str, offset: int, hold: str = "h1") -> Message:
    return {"type": kind, "show": SHOW, "offset": offset, "hold": hold_view(hold, state)}


def error(re: int, code: str, *, temporary: bool = False) -> Message:
    return {"type": "error", "re": re, "code": code, "message": code, "temporary": temporary}
