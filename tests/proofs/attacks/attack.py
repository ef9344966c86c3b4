"""What an attack is, what the process of the attackers is told, and what it tells the judge (tests/proofs/load.py).

An attack is a function that opens connections, asks for `seconds`, and closes them. Asked to be harmless, it opens as
many connections and sends as many pings, or trivial requests, instead: the slice that the attack is compared with.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from dropcast.settings import Settings
from tests.proofs.attacks.peer import Peer, Requester, kind_of
from tests.support.raw import say

MIB = 2**20
WORKERS = 2
SLACK_BYTES = 32 * MIB
"""What all workers together may grow by for reasons of their allocator."""
ENGINE_SLACK_BYTES = 16 * MIB
"""What the honest buyers' holds and the engine's buffers may take in a slice."""
PING = say({"type": "ping", "id": 1})
HEALTH = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
_STEP_S = 0.005


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The server under attack, and the shows that were made for it."""

    port: int
    metrics_port: int
    followed: str
    """A show with many open holds and a long event log, which both workers follow."""
    drop: str
    """The open drop of `followed`."""
    quiet: tuple[str, ...]
    """Shows with many open holds that nobody follows."""
    wide: str
    """A show with many drops: its state is large."""
    buyers: tuple[tuple[str, str], ...]
    """Tokens of viewers who have an open hold in `followed`, and the key that each reserved it under."""
    creator_token: str
    creator_show: str
    """A show that is the creator's, with nothing in it."""
    operator_token: str


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the process of the attackers is told to do next."""

    attack: str
    target: Target
    seconds: float
    is_harmless: bool
    is_full: bool
    """Whether it is as large as it can be, not only as large as fits a quick run."""


class Tally(msgspec.Struct, kw_only=True):
    """What came of it."""

    began_s: float = 0.0
    """When the connections were there, by time.monotonic(), which all processes of a machine share."""
    closed_s: float = 0.0
    """When they were closed."""
    asked: int = 0
    heard: dict[str, int] = {}
    """What was answered, by type, code or status."""
    bytes_heard: int = 0
    bytes_sent: int = 0
    connections: int = 0
    lost: int = 0
    """Connections that the server ended."""
    notes: dict[str, float] = {}
    """What only this attack tells."""


Run = Callable[["Slice"], Awaitable[None]]
Bytes = Callable[[Settings], int]
Check = Callable[[Tally, Settings], list[str]]


@dataclass(frozen=True, kw_only=True)
class Attack:
    """See the module. Bounds are for the growth during one slice."""

    name: str
    about: str
    run: Run
    asked_min: int
    """Fewer in a slice are no attack."""
    worker_bytes: Bytes = lambda settings: 0
    """What the limits let all workers together keep for the attack's connections, beside SLACK_BYTES."""
    engine_bytes: Bytes = lambda settings: 0
    """What they let the engine keep, beside ENGINE_SLACK_BYTES."""
    check: Check = lambda tally, settings: []
    """What else is wrong with a slice, a sentence each."""
    reads_only: bool = False
    """Whether nothing that it asks may make the engine write."""
    guests: bool = False
    """Whether it needs a server on which guests may buy."""


class Slice:
    """One run of an attack, from the attackers' side: opens connections, counts, and closes what is open at its end."""

    def __init__(self, order: Order) -> None:
        self.target = order.target
        self.seconds = order.seconds
        self.is_harmless = order.is_harmless
        self.is_full = order.is_full
        self.tally = Tally()
        self.heard: Counter[str] = Counter()
        """What was answered so far, by type, code or status."""
        self._connections: list[Peer | Requester] = []
        self._addresses = 0

    def address(self) -> str:
        """Return another of the loopback's addresses each time: limits by address are no help here."""
        self._addresses += 1
        return f"127.1.{self._addresses // 250 % 250}.{self._addresses % 250 + 1}"

    def hear(self, payload: bytes) -> None:
        self.heard[kind_of(payload)] += 1

    def hear_status(self, status: int) -> None:
        self.heard[str(status)] += 1

    def answers(self) -> int:
        """Return how many answers over HTTP came in all."""
        return sum(count for kind, count in self.heard.items() if kind.isdigit())

    @property
    def open(self) -> list[Peer | Requester]:
        """The connections that were opened; they are closed at the slice's end."""
        return self._connections

    def opened(self, connection: Peer | Requester) -> None:
        self._connections.append(connection)

    async def run(self, attack: Attack) -> Tally:
        self.tally.began_s = time.monotonic()
        await attack.run(self)
        for connection in self._connections:
            self.tally.lost += connection.is_lost
            self.tally.bytes_heard += connection.bytes_heard
            connection.transport.abort()
        # The sockets are closed at the loop's next turn.
        await asyncio.sleep(0)
        self.tally.closed_s = time.monotonic()
        self.tally.connections += len(self._connections)
        self.tally.heard = dict(self.heard)
        self._connections.clear()
        return self.tally

    def begin(self) -> None:
        """The connections are there: from here on it counts."""
        self.tally.began_s = time.monotonic()

    async def pace(self, per_s: float, act: Callable[[int], None]) -> None:
        """Call `act` with 0, 1, 2 ... so many times a second, for the slice's seconds. What is late is caught up."""
        began_s, done = time.monotonic(), 0
        while (elapsed_s := time.monotonic() - began_s) < self.seconds:
            for number in range(done, round(elapsed_s * per_s)):
                act(number)
                done += 1
            await asyncio.sleep(_STEP_S)
        self.tally.asked += done


@contextmanager
def unless_refused() -> Iterator[None]:
    """A connection that the server does not take, or ends, is an answer of its."""
    with contextlib.suppress(ConnectionError, TimeoutError):
        yield
