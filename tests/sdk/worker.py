"""A worker in small for the tests of the SDK: one show, real loopback sockets, and faults on demand.

It shares no code with the server: what it says is written out here, in the words of client_sdk/spec.
"""

import contextlib
import json
from collections.abc import Callable
from typing import Any, Self

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

Message = dict[str, Any]

SHOW = "show-1"
CARD: Message = {
    "product": "cap",
    "title": "Cap",
    "currency": "EUR",
    "variants": [{"sku": "cap-red", "title": "Red"}],
}


def drop_view(stock: int = 5) -> Message:
    return {
        "drop": "drop-1",
        "status": "open",
        "limit": 2,
        "hold_ms": 60_000,
        "opened_at_ms": 1_000,
        "opens_at_ms": 0,
        "closes_at_ms": 0,
        "reveal_at_ms": 0,
        "prices": {"cap-red": 1_900},
        "stock": {"cap-red": stock},
        "card": CARD,
    }


def show_view() -> Message:
    return {
        "show": SHOW,
        "title": "Friday",
        "creator": "ada",
        "currency": "EUR",
        "status": "live",
        "frozen": False,
        "starts_at_ms": 0,
        "started_at_ms": 900,
        "ended_at_ms": 0,
    }


def hold_view(hold: str = "h1", state: str = "held") -> Message:
    return {
        "hold": hold,
        "drop": "drop-1",
        "sku": "cap-red",
        "qty": 1,
        "state": state,
        "expires_at_ms": 61_000,
        "amount_minor": 1_900,
    }


class Worker:
    """Answers hello, ping, watch, leave and reserve. `answers` overrides by type; None there: no answer."""

    def __init__(self, codec: str = "json") -> None:
        self.codec = codec
        self.epoch = "e1"
        self.log: list[Message] = []
        self.log_begins_after = 0
        self.offset = 0
        self.holds: list[Message] = []
        self.tick_ms = 25_000
        self.heard: list[Message] = []
        self.sockets: list[ServerConnection] = []
        self.watching: set[ServerConnection] = set()
        self.answers: dict[str, Callable[[Message], Message | None]] = {}
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        protocol = Subprotocol(f"dropcast.v1.{self.codec}")
        self._server = await serve(
            self._serve, "127.0.0.1", 0, subprotocols=[protocol], compression=None, ping_interval=None
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._server is not None
        self._server.close(code=4000, reason="the test has ended")
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def seq(self) -> int:
        return self.log[-1]["seq"] if self.log else self.log_begins_after

    def heard_of(self, kind: str) -> list[Message]:
        return [command for command in self.heard if command["type"] == kind]

    # Faults ----------------------------------------------------------------------------------------------

    async def close_sockets(self, code: int, reason: str = "") -> None:
        for socket in list(self.sockets):
            await socket.close(code, reason)

    def cut_sockets(self) -> None:
        """Lose the connections as a network does: without a close frame."""
        for socket in list(self.sockets):
            socket.transport.abort()

    # What it says ----------------------------------------------------------------------------------------

    def event(self, kind: str, **fields: Any) -> Message:
        """Log one numbered event, and say it to nobody yet."""
        event = {"type": kind, "show": SHOW, "seq": self.seq + 1, "at_ms": 2_000, "offset": self.offset}
        self.log.append(event | fields)
        return self.log[-1]

    async def publish(self, kind: str, **fields: Any) -> Message:
        event = self.event(kind, **fields)
        await self.say(event)
        return event

    async def announce(self, text: str) -> Message:
        return await self.publish("announcement", text=text)

    async def say(self, message: Message) -> None:
        """Say something to every socket that watches."""
        for socket in list(self.watching):
            await self.say_to(socket, message)

    async def say_to(self, socket: ServerConnection, message: Message) -> None:
        payload = json.dumps(message).encode() if self.codec == "json" else msgspec.msgpack.encode(message)
        with contextlib.suppress(ConnectionClosed):
            await socket.send(payload, text=self.codec == "json")

    # What it answers -------------------------------------------------------------------------------------

    async def _serve(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        try:
            async for payload in socket:
                command = self._decode(payload)
                self.heard.append(command)
                answer = self.answers.get(command["type"], self._answer)(command)
                if command["type"] == "watch":
                    self.watching.add(socket)
                if answer is not None:
                    await self.say_to(socket, {"re": command["id"], **answer})
        except ConnectionClosed:
            pass
        finally:
            self.sockets.remove(socket)
            self.watching.discard(socket)

    def _decode(self, payload: str | bytes) -> Message:
        """Text frames are JSON, binary ones MessagePack: anything else fails the test."""
        assert isinstance(payload, str) is (self.codec == "json")
        command: Message = (
            msgspec.json.decode(payload) if isinstance(payload, str) else msgspec.msgpack.decode(payload)
        )
        return command

    def _answer(self, command: Message) -> Message | None:
        match command:
            case {"type": "hello"}:
                limits = {"message_bytes_max": 65_536, "tick_ms": self.tick_ms}
                who = {"viewer": "eve", "role": "viewer"}
                return {"type": "welcome", **who, "server_time_ms": 1_700_000_000_000, "limits": limits}
            case {"type": "ping"}:
                return {"type": "pong", "server_time_ms": 1_700_000_000_000}
            case {"type": "leave"}:
                return {"type": "left", "show": SHOW}
            case {"type": "watch"}:
                return self.watch_answer(command.get("since"))
            case {"type": "reserve"}:
                hold = hold_view("h-" + command["key"])
                return {"type": "held", "show": SHOW, "offset": self.offset, **hold}
            case _:
                return {"type": "done", "show": SHOW, "seq": self.seq}

    def watch_answer(self, since: Message | None) -> Message:
        answer = {"type": "watching", "show": SHOW, "epoch": self.epoch, "seq": self.seq}
        holds = {"holds": self.holds, "holds_at": self.offset}
        if since and since["epoch"] == self.epoch and self.log_begins_after <= since["seq"] <= self.seq:
            events = [event for event in self.log if event["seq"] > since["seq"]]
            return {**answer, "recovered": True, "events": events, **holds}
        return {**answer, "recovered": False, "state": self.state(), **holds}

    def state(self) -> Message:
        return {"show": show_view(), "drops": [drop_view()], "viewers": 1, "offset": self.offset}
