"""Honest buyers as a process of their own: `python -m tests.proofs.attacks.honest`, started by `Honest` below.

They reserve and release in turn at a steady rate, whether or not what they asked before is answered: each request has
a moment at which it is due, and its latency counts from there, so that a server that halts is not asked less for it.
One line of JSON says who they are; then "trade SHOW DROP" has them go on in another show, "calm" waits until nobody
waits for long, and "part A B" asks for what was due between two moments of time.monotonic(). The end of standard
input ends the process.
"""

import asyncio
import contextlib
import gc
import json
import math
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import uvloop

from tests.proofs.attacks.lines import Child, a_child, lines_in, say_line
from tests.proofs.attacks.peer import Peer, open_live
from tests.support.raw import say
from tests.support.wait import wait_until

_PATIENCE_S = 10.0
_STEP_S = 0.001
_CALM_S = 1.0


class Buyers(msgspec.Struct, frozen=True, kw_only=True):
    """Who buys, and how often all of them together ask, a second."""

    port: int
    tokens: tuple[str, ...]
    per_s: float
    sku: str


class Heard(msgspec.Struct, kw_only=True):
    """What became of the requests that were due in a part of the time."""

    latencies_ms: list[float]
    unanswered: int = 0
    refused: int = 0
    """Answered by an error."""


class _Reply(msgspec.Struct):
    type: str
    re: int | None = None
    hold: str = ""
    show: str = ""


_REPLY = msgspec.json.Decoder(_Reply)


class _Request(msgspec.Struct):
    due_s: float
    answered_s: float = 0.0
    is_refused: bool = False


class _Buyer:
    """One socket: asks one thing at a time; what is due meanwhile waits, and its latency grows."""

    def __init__(self, requests: deque[_Request], sku: str) -> None:
        self._requests = requests
        self._sku = sku
        self._waiting: deque[_Request] = deque()
        self._under_way: _Request | None = None
        self._number = 1
        self._hold = ""
        self._show = self._drop = ""
        self._watching: asyncio.Event = asyncio.Event()
        self.peer: Peer

    async def open(self, buyers: Buyers, token: str) -> None:
        self.peer = await open_live(buyers.port, self._hear, token=token)

    async def enter(self, show: str, drop: str) -> None:
        """Leave the show before and watch another."""
        if self._show:
            self.peer.write(say({"type": "leave", "id": 0, "show": self._show}))
        self._show, self._drop, self._hold = show, drop, ""
        self._watching.clear()
        self.peer.write(say({"type": "watch", "id": 0, "show": show}))
        async with asyncio.timeout(_PATIENCE_S):
            await self._watching.wait()

    @property
    def is_idle(self) -> bool:
        return self._under_way is None and not self._waiting

    @property
    def waits_since_s(self) -> float:
        """Since when it waits for an answer; infinity when it does not."""
        return self._under_way.due_s if self._under_way is not None else math.inf

    def ask(self, request: _Request) -> None:
        self._requests.append(request)
        self._waiting.append(request)
        if self._under_way is None:
            self._next()

    def _next(self) -> None:
        self._under_way = self._waiting.popleft()
        self._number += 1
        what: dict[str, object] = {"id": self._number, "show": self._show}
        if self._hold:
            what |= {"type": "release", "hold": self._hold}
        else:
            what |= {
                "type": "reserve",
                "drop": self._drop,
                "sku": self._sku,
                "qty": 1,
                "key": str(self._number),
            }
        self.peer.write(say(what))

    def _hear(self, payload: bytes) -> None:
        if b'"re":' not in payload[:64]:
            return
        reply = _REPLY.decode(payload)
        if reply.type == "watching":
            self._watching.set()
        if reply.re != self._number or self._under_way is None:
            return
        self._under_way.answered_s = time.monotonic()
        if reply.type == "held":
            self._hold = reply.hold
        else:
            self._hold = ""
            self._under_way.is_refused = reply.type != "released"
        self._under_way = None
        if self._waiting:
            self._next()


class _Crowd:
    def __init__(self, buyers: Buyers) -> None:
        self._buyers = buyers
        self._requests: deque[_Request] = deque()
        self._all: list[_Buyer] = []
        self._asking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        for token in self._buyers.tokens:
            buyer = _Buyer(self._requests, self._buyers.sku)
            await buyer.open(self._buyers, token)
            self._all.append(buyer)

    async def trade(self, show: str, drop: str) -> None:
        """Finish in the show before, and trade in another from now on."""
        await self.rest()
        await asyncio.gather(*(buyer.enter(show, drop) for buyer in self._all))
        self._requests.clear()
        gc.collect()
        gc.freeze()
        self._asking = asyncio.create_task(self._ask())

    async def rest(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])
            self._asking = None
        await _unless_late(lambda: all(buyer.is_idle for buyer in self._all))

    async def _ask(self) -> None:
        began_s, done, per_s = time.monotonic(), 0, self._buyers.per_s
        while True:
            for number in range(done, int((time.monotonic() - began_s) * per_s)):
                self._all[number % len(self._all)].ask(_Request(began_s + (number + 1) / per_s))
                done += 1
            await asyncio.sleep(_STEP_S)

    async def is_calm(self) -> bool:
        """Wait until nobody waits for an answer for long, for ten seconds at most."""

        def is_calm() -> bool:
            due_before_s = time.monotonic() - _CALM_S
            return all(buyer.waits_since_s >= due_before_s for buyer in self._all)

        await _unless_late(is_calm)
        return is_calm()

    async def part(self, began_s: float, ended_s: float) -> Heard:
        """Return what became of the requests that were due in between, once they are answered."""
        due = [request for request in self._requests if began_s <= request.due_s < ended_s]
        await _unless_late(lambda: all(request.answered_s for request in due))
        # What was due before is not asked for any more.
        while self._requests and self._requests[0].due_s < began_s:
            self._requests.popleft()
        answered = [request for request in due if request.answered_s]
        return Heard(
            latencies_ms=[(request.answered_s - request.due_s) * 1000 for request in answered],
            unanswered=len(due) - len(answered),
            refused=sum(request.is_refused for request in answered),
        )


async def _unless_late(condition: Callable[[], bool]) -> None:
    """Wait for something, but not for ever: what has no answer is counted as such."""
    with contextlib.suppress(AssertionError):
        await wait_until(condition, timeout_s=_PATIENCE_S)


async def _run() -> None:
    lines = lines_in()
    crowd = _Crowd(msgspec.json.decode(await anext(lines), type=Buyers))
    await crowd.open()
    say_line(b"ready")
    async for line in lines:
        match line.decode().split():
            case ["trade", show, drop]:
                await crowd.trade(show, drop)
                say_line(b"trading")
            case ["rest"]:
                await crowd.rest()
                say_line(b"resting")
            case ["calm"]:
                say_line(b"calm" if await crowd.is_calm() else b"not calm")
            case ["part", began_s, ended_s]:
                say_line(msgspec.json.encode(await crowd.part(float(began_s), float(ended_s))))


class Honest:
    """The process from the outside."""

    def __init__(self, child: Child) -> None:
        self._child = child

    async def trade(self, show: str, drop: str) -> None:
        assert await self._child.ask(f"trade {show} {drop}".encode()) == b"trading"

    async def rest(self) -> None:
        assert await self._child.ask(b"rest") == b"resting"

    async def is_calm(self) -> bool:
        """Wait until no buyer waits for an answer for long; False when that does not come in ten seconds."""
        return await self._child.ask(b"calm") == b"calm"

    async def part(self, began_s: float, ended_s: float) -> Heard:
        line = await self._child.ask(f"part {json.dumps(began_s)} {json.dumps(ended_s)}".encode())
        return msgspec.json.decode(line, type=Heard)


@asynccontextmanager
async def honest_buyers(buyers: Buyers) -> AsyncIterator[Honest]:
    async with a_child("tests.proofs.attacks.honest") as child:
        assert await child.ask(msgspec.json.encode(buyers)) == b"ready"
        yield Honest(child)


if __name__ == "__main__":
    uvloop.run(_run())
    sys.exit(0)
