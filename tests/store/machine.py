"""A show under any sequence of commands, as a state machine: rules carry out, comparison.py compares.

Rules pick drops and holds by number, the latest first, among those that they can do something with: most steps then
do something, and a refusal is as likely as it is worth.
"""

import itertools
from collections.abc import Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from dropcast.domain.faults import Conflict
from dropcast.domain.ports import Change, Done
from dropcast.domain.trades import Expire, Reserve, Trade
from tests.store.comparison import LATER_MS, ComparedShow
from tests.store.model import word_of
from tests.support.engine import a_drop, a_show, pay, release, reserve, sell, unpay

T = TypeVar("T")

SKUS = ("RED", "BLUE")
VIEWERS = ("ana", "ben", "ce:m")
ATTEMPTS = ("first", "first", "second")
SELDOM = st.sampled_from((False, False, False, True))
"""What is forbidden all the time tells nothing of what is allowed."""
PICK = st.integers(0, 5)

_numbers = itertools.count()


def has_open_holds(machine: "ShowMachine") -> bool:
    return bool(machine.model.open_holds())


def has_asked(machine: "ShowMachine") -> bool:
    return bool(machine.asked)


def has_drops(*statuses: str) -> Any:
    return lambda machine: bool(machine.model.with_status(*statuses))


class ShowMachine(ComparedShow):
    """Rules carry a command out in the engine and in the model; invariants compare."""

    def __init__(self) -> None:
        super().__init__(f"machine-{next(_numbers)}")
        self.keys = itertools.count()
        self.asked: list[Reserve] = []

    def _pick(self, among: Sequence[T], pick: int) -> T:
        return among[-1 - pick % len(among)]

    # Setting the stage -------------------------------------------------------------------------------------

    @initialize(units=st.integers(0, 4), limit=st.integers(1, 3))
    def go_live(self, units: int, limit: int) -> None:
        self.engine.run(self._go_live())
        self._pin(units, limit)

    async def _go_live(self) -> None:
        await self.stall.shows.schedule(a_show(self.show))
        await self.stall.shows.start(self.show)
        await self._follow()

    @rule(units=st.integers(0, 4), limit=st.integers(1, 3), later=st.booleans(), closes=st.booleans())
    def pin(self, units: int, limit: int, later: bool, closes: bool) -> None:
        opens_at_ms = LATER_MS if later else 0
        self._pin(units, limit, opens_at_ms=opens_at_ms, closes_at_ms=LATER_MS + 1 if closes else 0)

    def _pin(self, units: int, limit: int, opens_at_ms: int = 0, closes_at_ms: int = 0) -> None:
        drop = f"d{next(self.keys)}"
        stock = {SKUS[0]: units, SKUS[1]: 2}
        pinned = a_drop(drop, stock, limit=limit, opens_at_ms=opens_at_ms, closes_at_ms=closes_at_ms)
        done = self.engine.run(self.stall.shows.pin(self.show, pinned))
        assert self.engine.run(self.stall.shows.pin(self.show, pinned)) == Done(done.seq, done.offset, True)
        self.model.pin(drop, stock, limit, is_open=not opens_at_ms, closes=bool(closes_at_ms))

    # Trades ------------------------------------------------------------------------------------------------

    def _trade(self, *trades: Trade) -> None:
        outcomes = self.engine.run(self.stall.trade(*trades))
        assert [word_of(outcome) for outcome in outcomes] == self.model.trade(trades)

    def _reserve(self, pick: int, sku: str, viewer: str, qty: int) -> Reserve:
        # Of a drop that sells, if there is one and it is not for another's turn.
        drops = (pick < 5 and self.model.with_status("open")) or list(self.model.drops)
        trade = reserve(f"h{next(self.keys)}", viewer, self._pick(drops, pick), sku, qty)
        self.asked.append(trade)
        return trade

    def _hold(self, pick: int) -> Reserve:
        """An open hold, if there is one; seldom one that has ended, or a key that got none."""
        is_open, known = self.model.is_open, self.model.holds
        among = [asked for asked in self.asked if pick < 4 and is_open(asked.hold)]
        return self._pick(among or [asked for asked in self.asked if asked.hold in known] or self.asked, pick)

    @rule(pick=PICK, sku=st.sampled_from(SKUS), viewer=st.sampled_from(VIEWERS), qty=st.integers(1, 3))
    def reserve(self, pick: int, sku: str, viewer: str, qty: int) -> None:
        self._trade(self._reserve(pick, sku, viewer, qty))

    @rule(pick=PICK, sku=st.sampled_from((*SKUS, "GREEN")), viewer=st.sampled_from(VIEWERS), qty=st.just(0))
    def reserve_what_is_not_to_be_had(self, pick: int, sku: str, viewer: str, qty: int) -> None:
        self._trade(self._reserve(pick, "GREEN", viewer, 1), self._reserve(pick, sku, viewer, qty))

    @precondition(has_asked)
    @rule(pick=st.integers(0, 20))
    def reserve_again(self, pick: int) -> None:
        self._trade(self._pick(self.asked, pick))

    @precondition(has_asked)
    @rule(pick=PICK, sku=st.sampled_from(SKUS), qty=st.integers(1, 2))
    def reserve_something_else_under_the_same_key(self, pick: int, sku: str, qty: int) -> None:
        hold = self._hold(pick)
        self._trade(reserve(hold.hold, hold.viewer, hold.drop, sku, qty))

    @precondition(has_asked)
    @rule(pick=PICK)
    def release(self, pick: int) -> None:
        hold = self._hold(pick)
        self._trade(release(hold.hold, hold.viewer))

    @precondition(has_asked)
    @rule(pick=PICK, attempt=st.sampled_from(ATTEMPTS))
    def pay(self, pick: int, attempt: str) -> None:
        hold = self._hold(pick)
        self._trade(pay(hold.hold, hold.viewer, attempt))

    @precondition(has_asked)
    @rule(pick=PICK, attempt=st.sampled_from(ATTEMPTS))
    def unpay(self, pick: int, attempt: str) -> None:
        hold = self._hold(pick)
        self._trade(unpay(hold.hold, hold.viewer, attempt))

    @precondition(has_asked)
    @rule(pick=PICK, attempt=st.sampled_from(ATTEMPTS), pays=st.sampled_from((True, True, False)))
    def sell(self, pick: int, attempt: str, pays: bool) -> None:
        hold = self._hold(pick)
        before: list[Trade] = [pay(hold.hold, hold.viewer, attempt)] if pays else []
        self._trade(*before, sell(hold.hold, hold.viewer, attempt))

    @rule(
        picks=st.lists(PICK, min_size=1, max_size=4),
        viewers=st.lists(st.sampled_from(VIEWERS), min_size=1, max_size=3),
        order=st.randoms(use_true_random=False),
    )
    def a_batch_that_mixes_them(self, picks: list[int], viewers: list[str], order: Any) -> None:
        old = [self._hold(pick) for pick in picks] if self.asked else []
        new = [
            self._reserve(order.randint(0, 5), order.choice(SKUS), viewer, order.randint(1, 2))
            for viewer in viewers
        ]
        trades: list[Trade] = [*new, *new, Expire()]
        for hold in (*old, *new):
            trades.append(release(hold.hold, hold.viewer))
            trades.append(pay(hold.hold, hold.viewer))
            trades.append(unpay(hold.hold, hold.viewer))
            trades.append(sell(hold.hold, hold.viewer))
            trades.append(hold)
        order.shuffle(trades)
        self._trade(*trades)

    # Time --------------------------------------------------------------------------------------------------

    @precondition(has_open_holds)
    @rule(pick=PICK)
    def a_deadline_passes(self, pick: int) -> None:
        hold = self._pick(list(self.model.open_holds()), pick)
        self.engine.run(self.stall.make_due(f"h:{hold}"))
        self.model.due.add(hold)

    @precondition(has_drops("scheduled"))
    @rule(pick=PICK)
    def a_time_to_open_comes(self, pick: int) -> None:
        drop = self._pick(self.model.with_status("scheduled"), pick)
        self.engine.run(self.stall.make_due(f"o:{drop}"))
        self.model.opening.add(drop)

    @precondition(lambda machine: bool(machine.model.that_close()))
    @rule(pick=PICK)
    def a_time_to_close_comes(self, pick: int) -> None:
        drop = self._pick(self.model.that_close(), pick)
        self.engine.run(self.stall.make_due(f"c:{drop}", at_ms=2))
        self.model.closing.add(drop)

    @rule()
    def sweep(self) -> None:
        self._trade(Expire())

    @precondition(lambda machine: bool(machine.model.waiting_restocks()))
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

    @rule(pick=PICK, sku=st.sampled_from(SKUS), units=st.integers(-3, 3))
    def top_up_or_withdraw(self, pick: int, sku: str, units: int) -> None:
        drop = self._pick(list(self.model.drops), pick)
        change = Change(add_units={sku: units})
        if self.model.may_add(drop, sku, units):
            self._command(lambda key: self.stall.shows.update(self.show, drop, change, key))
            self.model.add(drop, sku, units)
        else:
            with pytest.raises(Conflict):
                self.engine.run(self.stall.shows.update(self.show, drop, change, f"key-{next(self.keys)}"))

    @precondition(has_drops("open", "scheduled"))
    @rule(pick=PICK, limit=st.integers(1, 4), price=st.integers(0, 5_000))
    def change_limit_and_price(self, pick: int, limit: int, price: int) -> None:
        drop = self._pick(self.model.with_status("open", "scheduled"), pick)
        change = Change(limit=limit, prices={SKUS[0]: price})
        self._command(lambda key: self.stall.shows.update(self.show, drop, change, key))
        self.model.drops[drop].limit = limit

    @precondition(has_drops("open", "scheduled"))
    @rule(pick=PICK, really=SELDOM)
    def unpin(self, pick: int, really: bool) -> None:
        drop = self._pick(self.model.with_status("open", "scheduled"), pick)
        if really:
            self._command(lambda key: self.stall.shows.unpin(self.show, drop, key))
            self.model.close(drop)

    # Those who keep order ------------------------------------------------------------------------------------

    @rule(frozen=SELDOM)
    def freeze_or_thaw(self, frozen: bool) -> None:
        shows = self.stall.shows
        done: Done = self.engine.run((shows.freeze if frozen else shows.thaw)(self.show))
        assert done.again is (self.model.frozen is frozen)
        assert self.engine.run((shows.freeze if frozen else shows.thaw)(self.show)).again
        self.model.frozen = frozen

    @rule(viewer=st.sampled_from(VIEWERS[1:]), bans=st.booleans(), on=SELDOM)
    def mute_or_ban(self, viewer: str, bans: bool, on: bool) -> None:
        if bans:
            self._moderate(self.stall.shows.ban, self.model.banned, viewer, on)
        else:
            self._moderate(self.stall.shows.mute, self.model.muted, viewer, on)

    def _moderate(self, command: Any, known: set[str], viewer: str, on: bool) -> None:
        assert self.engine.run(command(self.show, viewer, on)).again is ((viewer in known) is on)
        assert self.engine.run(command(self.show, viewer, on)).again
        (known.add if on else known.discard)(viewer)

    # What must hold after every step -------------------------------------------------------------------------

    @invariant()
    def engine_and_model_agree_and_the_books_are_right(self) -> None:
        if self.view is not None:
            self.engine.run(self._compare())
