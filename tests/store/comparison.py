"""What must hold of a show after every step of the state machine: engine, model, books and a worker's view agree."""

import asyncio
from collections.abc import Sequence
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine
from redis.asyncio import Redis

from dropcast.domain.books import audit
from dropcast.domain.events import Restocked, SoldOut
from dropcast.domain.show import Frozen
from dropcast.domain.state import Applied, ShowState
from dropcast.store import library
from dropcast.store.connection import ask, connect
from dropcast.store.tail import Tail
from tests.store.model import Model
from tests.support.engine import Stall, leaked_keys
from tests.support.keys import keys
from tests.support.wait import wait_until

LATER_MS = 4_000_000_000_000
"""Restocks wait until a rule says that their quiet time is over, however slow the machine is."""


class Engine:
    """What all examples of a test share: an event loop and connections."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.client: Redis = connect(url)
        self.tail = Tail(connect(url), keys)
        self.runner.run(library.load(self.client, keys))

    def run(self, awaitable: Any) -> Any:
        return self.runner.run(awaitable)

    def close(self) -> None:
        self.run(self.tail.close())
        assert self.run(leaked_keys(self.client)) == []
        self.run(self.client.aclose())
        self.runner.close()


class ComparedShow(RuleBasedStateMachine):
    """A show, its model and a view that follows its publications."""

    engine: Engine

    def __init__(self, show: str) -> None:
        super().__init__()
        self.show = show
        self.stall = Stall(self.engine.client, show)
        self.model = Model()
        self.confirmed = False
        self.view: ShowState | None = None
        self.applied: set[Applied] = set()

    async def _follow(self) -> None:
        await self.engine.tail.follow(self.show, self._apply, self._confirm)
        await wait_until(lambda: self.confirmed)
        self.view = ShowState(await self.stall.shows.read(self.show))

    def _confirm(self) -> None:
        self.confirmed = True

    def _apply(self, publication: Any) -> None:
        assert self.view is not None
        self.applied.add(self.view.apply(publication))

    async def _compare(self) -> None:
        stall, model = self.stall, self.model
        snapshot = await stall.shows.read(self.show)
        assert {
            (units.drop, units.sku): (units.free, units.held, units.sold, units.allocated)
            for units in snapshot.units
        } == {
            sku: (counters.free, counters.held, counters.sold, counters.allocated)
            for sku, counters in model.units.items()
        }
        assert all(units.conserved for units in snapshot.units)
        assert {hold.id: hold.state.value for hold in snapshot.holds} == model.open_holds()
        assert {drop.id: drop.terms.status.value for drop in snapshot.drops} == {
            name: drop.status for name, drop in model.drops.items()
        }
        assert (snapshot.show.frozen is not Frozen.NO) == model.frozen
        assert {
            found.viewer: (found.muted, found.banned) for found in snapshot.moderated
        } == model.moderated()
        journal, events = await stall.journal(), await stall.events()
        assert audit(snapshot, journal, await stall.shows.orders(self.show), events) == []
        assert _by_sku(_announced(events)) == model.announced
        await self._hold_restocks_back()
        await self._compare_view(ShowState(snapshot))

    async def _hold_restocks_back(self) -> None:
        waiting = {member for member in await self.stall.due() if member.startswith("r:")}
        assert waiting == {f"r:{drop}:{sku}" for drop, sku in self.model.waiting_restocks()}
        for drop, sku in self.model.waiting_restocks():
            if (drop, sku) not in self.model.restocks_due:
                due = keys.of_show(self.show, "due")
                await ask(self.stall.client, "ZADD", due, "XX", LATER_MS, f"r:{drop}:{sku}")

    async def _compare_view(self, anew: ShowState) -> None:
        """The view that followed the publications is the view that was read anew."""
        view = self.view
        assert view is not None
        await wait_until(
            lambda: (view.seq, view.offset, view.moderations) == (anew.seq, anew.offset, anew.moderations)
        )
        assert self.applied <= {Applied.DONE}
        assert (view.show, view.drops, view.stock) == (anew.show, anew.drops, anew.stock)
        assert (view.holds, view.moderated) == (anew.holds, anew.moderated)

    def teardown(self) -> None:
        self.engine.run(self.engine.tail.unfollow(self.show))
        self.engine.run(self._forget())

    async def _forget(self) -> None:
        await ask(self.engine.client, "DEL", keys.shows, *keys.all_of_show(self.show))


def _announced(events: Sequence[Any]) -> list[tuple[str, str, str]]:
    return [
        (type(event).__name__, event.drop, event.sku)
        for event in events
        if isinstance(event, SoldOut | Restocked)
    ]


def _by_sku(announced: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str], list[str]]:
    """In which order the SKUs of one call are announced is no promise; what is said of each is."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, drop, sku in announced:
        found.setdefault((drop, sku), []).append(name)
    return found
