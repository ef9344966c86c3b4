"""Against the real engine: what is left behind in it, and a show to trade in."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from dropcast.domain.books import audit
from dropcast.domain.drop import Card, CardVariant, Units
from dropcast.domain.events import Event, JournalEntry
from dropcast.domain.ports import NewDrop
from dropcast.domain.show import Show
from dropcast.domain.trades import (
    Granted,
    Invalid,
    Outcome,
    Pay,
    Refused,
    Release,
    Reserve,
    Sell,
    Trade,
    Unpay,
)
from dropcast.store.connection import ask
from dropcast.store.keys import Keys
from dropcast.store.shows import Shows
from tests.support.keys import keys

HOLDS_PER_VIEWER_MAX = 50
PAY_MS = 60_000
_ALL = 1_000_000
_NO_EXPIRY = -1
"""What PTTL says of a key that stays; -2 is one that has expired in between."""


async def leaked_keys(client: Redis) -> list[str]:
    """Return the keys that neither have a place in keys.py nor expire."""
    names = [name.decode() for name in await ask(client, "KEYS", "*")]
    return [
        name for name in names if not keys.has_owner(name) and await ask(client, "PTTL", name) == _NO_EXPIRY
    ]


async def dump(client: Redis) -> dict[bytes, bytes]:
    """Return all that the engine holds, to compare before and after."""
    return {name: await ask(client, "DUMP", name) for name in await ask(client, "KEYS", "*")}


@contextlib.asynccontextmanager
async def memory_bound(client: Redis, bytes_max: int) -> AsyncIterator[None]:
    """Let the engine take no more memory than that."""
    before = (await ask(client, "CONFIG GET", "maxmemory"))["maxmemory"]
    await ask(client, "CONFIG", "SET", "maxmemory", bytes_max)
    try:
        yield
    finally:
        await ask(client, "CONFIG", "SET", "maxmemory", before)


def a_show(show: str = "friday", **changes: Any) -> Show:
    values: dict[str, Any] = {"id": show, "title": "Friday", "creator": "cleo", "currency": "EUR", **changes}
    return Show(**values)


def a_drop(
    drop: str = "d1",
    units: Mapping[str, int] | None = None,
    *,
    prices: Mapping[str, int] | None = None,
    limit: int = 2,
    hold_ms: int = 3_600_000,
    opens_at_ms: int = 0,
    closes_at_ms: int = 0,
    reveal_at_ms: int = 0,
) -> NewDrop:
    units = dict(units if units is not None else {"RED": 3})
    variants = tuple(CardVariant(sku=sku, title=sku.title()) for sku in units)
    return NewDrop(
        id=drop,
        card=Card(product="scarf", title="Merino scarf", currency="EUR", variants=variants),
        limit=limit,
        hold_ms=hold_ms,
        prices=dict(prices if prices is not None else dict.fromkeys(units, 2_900)),
        units=units,
        opens_at_ms=opens_at_ms,
        closes_at_ms=closes_at_ms,
        reveal_at_ms=reveal_at_ms,
    )


def reserve(hold: str, viewer: str = "ana", drop: str = "d1", sku: str = "RED", qty: int = 1) -> Reserve:
    return Reserve(hold=hold, viewer=viewer, drop=drop, sku=sku, qty=qty)


def release(hold: str, viewer: str = "ana") -> Release:
    return Release(hold=hold, viewer=viewer)


def pay(hold: str, viewer: str = "ana", attempt: str = "first", pay_ms: int = PAY_MS) -> Pay:
    return Pay(hold=hold, viewer=viewer, attempt=attempt, pay_ms=pay_ms)


def unpay(hold: str, viewer: str = "ana", attempt: str = "first") -> Unpay:
    return Unpay(hold=hold, viewer=viewer, attempt=attempt)


def sell(hold: str, viewer: str = "ana", attempt: str = "first", payment: str = "ref") -> Sell:
    return Sell(hold=hold, viewer=viewer, attempt=attempt, payment=payment)


def reasons(outcomes: list[Outcome]) -> list[str]:
    """The outcomes in a word each: the hold's state, or why not."""
    words = []
    for outcome in outcomes:
        match outcome:
            case Granted():
                words.append(outcome.hold.state.value)
            case Refused():
                words.append(outcome.reason.value)
            case Invalid():
                words.append(outcome.problem.value)
    return words


class Stall:
    """One show in the engine, with short ways to what a test needs."""

    def __init__(self, client: Redis, show: str = "friday", keys: Keys = keys) -> None:
        self.client = client
        self.keys = keys
        self.shows = Shows(client, keys)
        self.show = show

    async def open(self, units: Mapping[str, int] | None = None, **terms: Any) -> "Stall":
        """Schedule and start the show, and pin drop `d1`."""
        await self.shows.schedule(a_show(self.show))
        await self.shows.start(self.show)
        await self.shows.pin(self.show, a_drop(units=units, **terms))
        return self

    async def trade(self, *trades: Trade) -> list[Outcome]:
        """Carry out trades in one call."""
        return await self.shows.trade(self.show, trades, HOLDS_PER_VIEWER_MAX)

    async def one(self, trade: Trade) -> Outcome:
        (outcome,) = await self.trade(trade)
        return outcome

    async def granted(self, trade: Trade) -> Granted:
        outcome = await self.one(trade)
        assert isinstance(outcome, Granted), outcome
        return outcome

    async def units(self, sku: str = "RED", drop: str = "d1") -> tuple[int, int, int, int]:
        """Return free, held, sold, allocated."""
        snapshot = await self.shows.read(self.show)
        (found,) = [units for units in snapshot.units if (units.drop, units.sku) == (drop, sku)]
        return _counters(found)

    async def events(self, since: int = 0) -> Sequence[Event]:
        return await self.shows.events(self.show, since, _ALL)

    async def journal(self, since: int = 0) -> Sequence[JournalEntry]:
        return await self.shows.journal(self.show, since, _ALL)

    async def event_names(self, since: int = 2) -> list[str]:
        """Return the kinds of the events above `since`; by default after show_started and drop_opened."""
        return [type(event).__name__ for event in await self.events(since)]

    async def make_due(self, member: str, at_ms: int = 1) -> None:
        """Have `member`, h:<hold>, r:<drop>:<sku>, o:<drop> or c:<drop>, due now, as if its time had passed."""
        assert await ask(self.client, "ZADD", self.keys.of_show(self.show, "due"), "XX", at_ms, member) == 0
        assert await ask(self.client, "ZSCORE", self.keys.of_show(self.show, "due"), member) == at_ms

    async def due(self) -> dict[str, float]:
        found = await ask(self.client, "ZRANGE", self.keys.of_show(self.show, "due"), 0, -1, "WITHSCORES")
        return {member.decode(): score for member, score in found}

    async def audit(self) -> list[str]:
        snapshot = await self.shows.read(self.show)
        orders = await self.shows.orders(self.show)
        return audit(snapshot, await self.journal(), orders, await self.events())


def _counters(units: Units) -> tuple[int, int, int, int]:
    return units.free, units.held, units.sold, units.allocated
