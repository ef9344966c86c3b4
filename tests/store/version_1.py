"""What servers of version 1 say to the engine functions, and what they can read: frozen, to hold later ones against.

Their structs of records, answers and publications, as they were; the calls with their KEYS and ARGV.
"""

from typing import Any

import msgspec
from redis.asyncio import Redis

from dropcast.domain.drop import Card
from dropcast.store.connection import ask
from tests.support.keys import keys

NAMES = [
    "meta",
    "drops",
    "units",
    "holds",
    "due",
    "buyers",
    "orders",
    "events",
    "journal",
    "viewers",
    "done",
    "live",
]


class Terms(msgspec.Struct, frozen=True, array_like=True):
    status: str
    limit: int
    hold_ms: int
    opened_at_ms: int
    prices: dict[str, int]


class Drop(msgspec.Struct, frozen=True, array_like=True):
    id: str
    terms: Terms
    card: dict[str, Any]


class _Event(msgspec.Struct, frozen=True, array_like=True):
    seq: int
    at_ms: int
    offset: int


class ShowStarted(_Event, tag="show_started", frozen=True, array_like=True):
    pass


class ShowEnded(_Event, tag="show_ended", frozen=True, array_like=True):
    pass


class DropOpened(_Event, tag="drop_opened", frozen=True, array_like=True):
    drop: str
    terms: Terms
    stock: dict[str, int]
    card: dict[str, Any]


class DropUpdated(_Event, tag="drop_updated", frozen=True, array_like=True):
    drop: str
    terms: Terms
    stock: dict[str, int]


class DropClosed(_Event, tag="drop_closed", frozen=True, array_like=True):
    drop: str


class SoldOut(_Event, tag="sold_out", frozen=True, array_like=True):
    drop: str
    sku: str


class Announcement(_Event, tag="announcement", frozen=True, array_like=True):
    text: str
    data: Any


Event = ShowStarted | ShowEnded | DropOpened | DropUpdated | DropClosed | SoldOut | Announcement


class Publication(msgspec.Struct, frozen=True, array_like=True):
    epoch: str
    seq: int
    offset: int
    at_ms: int
    events: tuple[Event, ...]
    movements: tuple[tuple[str, str, str, int, str, str, int, int], ...]
    stock: tuple[tuple[str, str, int], ...]


class ShowRecord(msgspec.Struct, frozen=True, array_like=True):
    info: tuple[str, str, tuple[str, ...], str]
    status: str
    starts_at_ms: int
    started_at_ms: int
    ended_at_ms: int
    epoch: str


class ReadAnswer(msgspec.Struct, frozen=True, array_like=True):
    code: str
    show: ShowRecord
    seq: int
    offset: int
    at_ms: int
    drops: tuple[Drop, ...]
    units: tuple[tuple[str, str, int, int, int, int], ...]
    holds: tuple[tuple[str, str, str, str, int, str, int, int], ...]


class Beat(msgspec.Struct, frozen=True, array_like=True):
    viewers: int
    epoch: str
    seq: int
    offset: int
    at_ms: int
    due_at_ms: int


class BeatAnswer(msgspec.Struct, frozen=True, array_like=True):
    code: str
    beat: Beat


class TradeAnswer(msgspec.Struct, frozen=True, array_like=True):
    code: str
    outcomes: list[list[Any]]


class DoneAnswer(msgspec.Struct, frozen=True, array_like=True):
    code: str
    seq: int
    offset: int
    again: bool


class NewDrop(msgspec.Struct, frozen=True, kw_only=True):
    """Its bytes are what a pin's fingerprint is made of."""

    id: str
    card: Card
    limit: int
    hold_ms: int
    prices: dict[str, int]
    units: dict[str, int]


class Server:
    """Calls the functions as version 1 did."""

    def __init__(self, client: Redis, show: str) -> None:
        self._client = client
        self._keys = [keys.of_show(show, name) for name in NAMES]

    async def call(self, name: str, *args: str | int | bytes) -> bytes:
        answer: bytes = await ask(self._client, "FCALL", f"dropcast_{name}", 12, *self._keys, *args)
        return answer

    async def pin(self, drop: str, fingerprint: str, units: int) -> DoneAnswer:
        lines = msgspec.msgpack.encode([("RED", 2_900, units)])
        card = msgspec.msgpack.encode(
            {"product": "scarf", "title": "Scarf", "currency": "EUR", "variants": []}
        )
        answer = await self.call("pin", drop, fingerprint, 2, 60_000, lines, card)
        return msgspec.msgpack.decode(answer, type=DoneAnswer)

    async def trade(self, *trades: list[Any]) -> list[list[Any]]:
        answer = await self.call("trade", msgspec.msgpack.encode(trades), 50)
        return msgspec.msgpack.decode(answer, type=TradeAnswer).outcomes

    async def read(self) -> ReadAnswer:
        return msgspec.msgpack.decode(await self.call("read"), type=ReadAnswer)

    async def beat(self) -> Beat:
        return msgspec.msgpack.decode(await self.call("beat", "w1", 3), type=BeatAnswer).beat


async def write_back(client: Redis, show: str) -> None:
    """Make the records of a show what version 1 would have left."""
    meta, drops = keys.of_show(show, "meta"), keys.of_show(show, "drops")
    await ask(client, "HDEL", meta, "run", "frozen", "moderations")
    await ask(client, "DEL", keys.of_show(show, "moderated"))
    for field, raw in (await ask(client, "HGETALL", drops)).items():
        if field.startswith(b"t:"):
            terms = msgspec.msgpack.decode(raw)[:5]
            await ask(client, "HSET", drops, field, msgspec.msgpack.encode(terms))
