"""What servers of version 3 of the functions say when a host pins, updates or announces: frozen, to test later ones by.

Their calls with KEYS and ARGV as they were, before the engine counted what hosts add to a show.
"""

from typing import Any

import msgspec
from redis.asyncio import Redis

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
    "moderated",
]
CARD = {"product": "scarf", "title": "Scarf", "currency": "EUR", "variants": []}


class Server:
    """Calls the functions as version 3 did."""

    def __init__(self, client: Redis, show: str) -> None:
        self._client = client
        self._keys = [keys.of_show(show, name) for name in NAMES]

    async def call(self, name: str, *args: str | int | bytes) -> list[Any]:
        answer = await ask(self._client, "FCALL", f"dropcast_{name}", len(NAMES), *self._keys, *args)
        found: list[Any] = msgspec.msgpack.decode(answer)
        return found

    async def pin(self, drop: str, fingerprint: str) -> list[Any]:
        lines = msgspec.msgpack.encode([("RED", 2_900, 3)])
        card = msgspec.msgpack.encode(CARD)
        return await self.call("pin", drop, fingerprint, 2, 60_000, lines, card, 0, 0, 0)

    async def update(self, drop: str, key: str, fingerprint: str, limit: int) -> list[Any]:
        nothing = msgspec.msgpack.encode({})
        return await self.call("update", drop, key, fingerprint, nothing, nothing, limit, "")

    async def announce(self, key: str, fingerprint: str, text: str) -> list[Any]:
        return await self.call("announce", key, fingerprint, text, msgspec.msgpack.encode(None))
