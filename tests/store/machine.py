"""The rules of test_machine.py: each carries a command out in the engine and in the model; invariants compare."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from dropcast.domain.books import audit
from dropcast.domain.drop import DropStatus
from dropcast.domain.events import Event, Restocked, Snapshot, SoldOut
from dropcast.domain.faults import Conflict
from dropcast.domain.ports import Change, Done
from dropcast.domain.state import Applied, ShowState
from dropcast.domain.trades import Expire, Outcome, Reserve, Trade
from dropcast.store import keys
from dropcast.store.connection import ask
from tests.store.driver import Driver
from tests.store.model import Model, word_of
from tests.support.engine import Stall, a_drop, a_show, pay, release, reserve, sell, unpay
from tests.support.wait import wait_until

SKUS = ("RED", "BLUE")
VIEWERS = ("ana", "ben", "ce:m")
ATTEMPTS = ("first", "second")
DROPS_MAX = 3
LATER_MS = 4_000_000_000_000
"""Restocks wait until a rule says that their quiet time is over, however slow the machine is."""

_numbers = itertools.count()


class ShowMachine(RuleBasedStateMachine):
    """Rules carry a command out in the engine and in the model; invariants compare."""

    engine: Driver

    drops = Bundle("drops")
    holds = Bundle("holds")
    commands = Bundle("commands")

    def __init__(self) -> None:
        super().__init__()
        self.show = f"machine-{next(_numbers)}"
        self.stall = Stall(self.engine.client, self.show)
        self.model = Model()
        self.keys = itertools.count()
        self.confirmed = False
        self.view: ShowState | None = None
        self.applied: set[Applied] = set()

    @initialize(target=drops, units=st.integers(0, 4), limit=st.integers(1, 3))
    def go_live(self, units: int, limit: int) -> str:
        self.engine.run(self._go_live())
        return self._pin(units, limit)

    async def _go_live(self) -> None:
        await self.stall.shows.schedule(a_show(self.show))
        await self.stall.shows.start(self.show)
        await self.engine.tail.follow(self.show, self._apply, self._confirm)
        await wait_until(lambda: self.confirmed)
        self.view = ShowState(await self.stall.shows.read(self.show))

    def _confirm(self) -> None:
        self.confirmed = True

    def _apply(self, publication: Any) -> None:
        assert self.view is not None
        self.applied.add(self.view.apply(publication))

    @precondition(lambda self: len(self.model.drops) < DROPS_MAX)
    @rule(target=drops, units=st.integers(0, 4), limit=st.integers(1, 3))
    def pin(self, units: int, limit: int) -> str:
        return self._pin(units, limit)

    def _pin(self, units: int, limit: int) -> str:
        drop = f"d{next(self.keys)}"
        stock = {SKUS[0]: units, SKUS[1]: 1}
        pinned = a_drop(drop, stock, limit=limit)
        done = self.engine.run(self.stall.shows.pin(self.show, pinned))
        assert self.engine.run(self.stall.shows.pin(self.show, pinned)) == Done(done.seq, done.offset, True)
        self.model.pin(drop, stock, limit)
        return drop

    # Trades ------------------------------------------------------------------------------------------------

    def _trade(self, *trades: Trade) -> None:
        outcomes = self.engine.run(self._trade_out_of_time(trades))
        assert [word_of(outcome) for outcome in outcomes] == self.model.trade(trades)

    async def _trade_out_of_time(self, trades: Sequence[Trade]) -> list[Outcome]:
        outcomes = await self.stall.trade(*trades)
        for member in await self.stall.due():
            if member.startswith("r:"):
                await ask(self.stall.client, "ZADD", keys.of_show(self.show, "due"), "XX", LATER_MS, member)
        return outcomes

    def _made(self, *trades: Reserve) -> Any:
        """Those that became holds: rules about holds are not to be spent on what was refused."""
        return multiple(*(trade for trade in trades if trade.hold in self.model.holds))

    def _reserve(self, drop: str, sku: str, viewer: str, qty: int) -> Reserve:
        return reserve(f"h{next(self.keys)}", viewer, drop, sku, qty)

    @rule(
        target=holds,
        drop=drops,
        sku=st.sampled_from((*SKUS, *SKUS, "GREEN")),
        viewer=st.sampled_from(VIEWERS),
        qty=st.sampled_from((1, 1, 2, 3, 0)),
    )
    def reserve(self, drop: str, sku: str, viewer: str, qty: int) -> Any:
        trade = self._reserve(drop, sku, viewer, qty)
        self._trade(trade)
        return self._made(trade)

    @rule(hold=holds)
    def reserve_again(self, hold: Reserve) -> None:
        self._trade(hold)

    @rule(hold=holds, sku=st.sampled_from(SKUS), qty=st.integers(1, 2))
    def reserve_something_else_under_the_same_key(self, hold: Reserve, sku: str, qty: int) -> None:
        self._trade(reserve(hold.hold, hold.viewer, hold.drop, sku, qty))

    @rule(hold=holds)
    def release(self, hold: Reserve) -> None:
        self._trade(release(hold.hold, hold.viewer))

    @rule(hold=holds, attempt=st.sampled_from(ATTEMPTS))
    def pay(self, hold: Reserve, attempt: str) -> None:
        self._trade(pay(hold.hold, hold.viewer, attempt))

    @rule(hold=holds, attempt=st.sampled_from(ATTEMPTS))
    def unpay(self, hold: Reserve, attempt: str) -> None:
        self._trade(unpay(hold.hold, hold.viewer, attempt))

    @rule(hold=holds, attempt=st.sampled_from(ATTEMPTS))
    def sell(self, hold: Reserve, attempt: str) -> None:
        self._trade(sell(hold.hold, hold.viewer, attempt))

    @rule(hold=holds, one=st.sampled_from(ATTEMPTS), other=st.sampled_from(ATTEMPTS))
    def pay_twice_and_sell(self, hold: Reserve, one: str, other: str) -> None:
        self._trade(pay(hold.hold, hold.viewer, one), pay(hold.hold, hold.viewer, other))
        self._trade(sell(hold.hold, hold.viewer, other), sell(hold.hold, hold.viewer, one))

    @rule(target=holds, drop=drops, viewer=st.sampled_from(VIEWERS), others=st.sampled_from(VIEWERS))
    def one_flaps_on_what_is_left(self, drop: str, viewer: str, others: str) -> Any:
        counters = self.model.units[drop, SKUS[0]]
        last = self._reserve(drop, SKUS[0], viewer, max(1, counters.free))
        self._trade(last)
        self._trade(release(last.hold, viewer))
        taken = self._reserve(drop, SKUS[0], others, max(1, counters.free))
        self._trade(taken)
        return self._made(last, taken)

    @rule(
        target=holds,
        old=st.lists(holds, min_size=1, max_size=4),
        drop=drops,
        viewers=st.lists(st.sampled_from(VIEWERS), min_size=1, max_size=3),
        order=st.randoms(use_true_random=False),
    )
    def a_batch_that_mixes_them(self, old: list[Reserve], drop: str, viewers: list[str], order: Any) -> Any:
        new = [self._reserve(drop, order.choice(SKUS), viewer, order.randint(1, 2)) for viewer in viewers]
        trades: list[Trade] = [*new, *new, Expire()]
        for hold in (*old, *new):
            trades.append(release(hold.hold, hold.viewer))
            trades.append(pay(hold.hold, hold.viewer))
            trades.append(unpay(hold.hold, hold.viewer))
            trades.append(sell(hold.hold, hold.viewer))
            trades.append(hold)
        order.shuffle(trades)
        self._trade(*trades)
        return self._made(*new)

    # Time --------------------------------------------------------------------------------------------------

    @rule(hold=holds)
    def the_deadline_passes(self, hold: Reserve) -> None:
        if self.model.is_open(hold.hold):
            self.engine.run(self.stall.make_due(f"h:{hold.hold}"))
            self.model.due.add(hold.hold)

    @rule()
    def sweep(self) -> None:
        self._trade(Expire())

    @rule()
    def the_quiet_time_is_over(self) -> None:
        for drop, sku in self.model.waiting_restocks():
            self.engine.run(self.stall.make_due(f"r:{drop}:{sku}"))
            self.model.restocks_due.add((drop, sku))

    # The creator -------------------------------------------------------------------------------------------

    def _command(self, command: Any) -> Done:
        """Carry a command out twice: the second time must change nothing."""
        key = f"key-{next(self.keys)}"
        done: Done = self.engine.run(command(key))
        again: Done = self.engine.run(command(key))
        assert again == Done(done.seq, done.offset, True)
        return done

    @rule(drop=drops, sku=st.sampled_from(SKUS), units=st.integers(-3, 3))
    def top_up_or_withdraw(self, drop: str, sku: str, units: int) -> None:
        change = Change(add_units={sku: units})
        if self.model.may_add(drop, sku, units):
            self._command(lambda key: self.stall.shows.update(self.show, drop, change, key))
            self.model.add(drop, sku, units)
        else:
            with pytest.raises(Conflict):
                self.engine.run(self.stall.shows.update(self.show, drop, change, f"key-{next(self.keys)}"))

    @rule(drop=drops, limit=st.integers(1, 4), price=st.integers(0, 5_000))
    def change_limit_and_price(self, drop: str, limit: int, price: int) -> None:
        if self.model.drops[drop].open:
            change = Change(limit=limit, prices={SKUS[0]: price})
            self._command(lambda key: self.stall.shows.update(self.show, drop, change, key))
            self.model.drops[drop].limit = limit

    @rule(drop=drops)
    def unpin(self, drop: str) -> None:
        if self.model.drops[drop].open:
            self._command(lambda key: self.stall.shows.unpin(self.show, drop, key))
            self.model.close(drop)

    # What must hold after every step -------------------------------------------------------------------------

    @invariant()
    def engine_and_model_agree_and_the_books_are_right(self) -> None:
        if self.view is not None:
            self.engine.run(self._compare())

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
        assert {drop.id: drop.terms.status is DropStatus.OPEN for drop in snapshot.drops} == {
            name: drop.open for name, drop in model.drops.items()
        }
        orders, journal, events = (
            await stall.shows.orders(self.show),
            await stall.journal(),
            await stall.events(),
        )
        assert audit(snapshot, journal, orders, events) == []
        assert self._announced(events) == model.announced
        await self._compare_buyers()
        await self._compare_due()
        await self._compare_view(snapshot)

    def _announced(self, events: Sequence[Event]) -> dict[tuple[str, str], list[str]]:
        """By SKU: in which order one call announces several is no promise."""
        announced: dict[tuple[str, str], list[str]] = {}
        for event in events:
            if isinstance(event, SoldOut | Restocked):
                announced.setdefault((event.drop, event.sku), []).append(type(event).__name__)
        return announced

    async def _compare_buyers(self) -> None:
        found = await ask(self.stall.client, "HGETALL", keys.of_show(self.show, "buyers"))
        assert {field.decode(): int(units) for field, units in found.items()} == self.model.buyers()

    async def _compare_due(self) -> None:
        open_holds = {f"h:{hold}" for hold in self.model.open_holds()}
        waiting = {f"r:{drop}:{sku}" for drop, sku in self.model.waiting_restocks()}
        assert (await self.stall.due()).keys() == open_holds | waiting

    async def _compare_view(self, snapshot: Snapshot) -> None:
        """The view that followed the publications is the view that was read anew."""
        view, anew = self.view, ShowState(snapshot)
        assert view is not None
        await wait_until(lambda: (view.seq, view.offset) == (anew.seq, anew.offset))
        assert self.applied <= {Applied.DONE}
        assert (view.drops, view.stock, view.holds) == (anew.drops, anew.stock, anew.holds)

    def teardown(self) -> None:
        self.engine.run(self.engine.tail.unfollow(self.show))
        self.engine.run(self._forget())

    async def _forget(self) -> None:
        await ask(self.engine.client, "DEL", keys.SHOWS, *keys.all_of_show(self.show)[:-1])
