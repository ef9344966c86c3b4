"""Asks the engine itself, for the metrics: whether it answers, its memory, open holds and shows with frozen sales."""

import asyncio
import time

import msgspec

from dropcast.domain.faults import Fault
from dropcast.metrics.ledger import Sample
from dropcast.store.connection import ask, connect
from dropcast.store.frozen_shows import frozen_shows
from dropcast.store.keys import Keys
from dropcast.store.open_holds import open_holds

_DEADLINE_S = 2.0
_FRESH_S = 2.0
"""Several scrapers, or an impatient one, ask the engine no more often than this."""


class Found(msgspec.Struct, frozen=True):
    """None: the engine did not tell."""

    up: bool = False
    memory_bytes: int | None = None
    holds_open: int | None = None
    shows_frozen: dict[str, int] = {}
    """How many shows have frozen sales, by reason."""

    def as_samples(self) -> dict[str, list[Sample]]:
        """Return what is known, by metric."""
        plain = {
            "dropcast_engine_up": int(self.up),
            "dropcast_engine_memory_bytes": self.memory_bytes,
            "dropcast_holds_open": self.holds_open,
        }
        frozen = [Sample((reason,), shows) for reason, shows in self.shows_frozen.items()]
        return {
            **{name: [Sample((), value)] for name, value in plain.items() if value is not None},
            "dropcast_shows_frozen": frozen,
        }


class Probe:
    def __init__(self, engine_url: str, keys: Keys) -> None:
        self._keys = keys
        self._client = connect(engine_url, connections_max=4)
        self._found = Found()
        self._asked_s = -_FRESH_S
        self._asking = asyncio.Lock()

    async def ask(self) -> Found:
        """Return what the engine says, or said a moment ago. Never raises for the engine's sake."""
        async with self._asking:
            if time.monotonic() - self._asked_s >= _FRESH_S:
                self._found = await self._look()
                self._asked_s = time.monotonic()
        return self._found

    async def close(self) -> None:
        await self._client.aclose()

    async def _look(self) -> Found:
        found = Found()
        try:
            async with asyncio.timeout(_DEADLINE_S):
                memory = await ask(self._client, "INFO", "memory")
                found = Found(True, int(memory["used_memory"]))
                found = msgspec.structs.replace(
                    found, shows_frozen=await frozen_shows(self._client, self._keys)
                )
                return msgspec.structs.replace(found, holds_open=await open_holds(self._client, self._keys))
        except TimeoutError:
            # It has answered, and has more shows than can be asked about in this time.
            return found
        except Fault:
            return Found()
