"""How holds end: released, paid and sold, declined, expired."""

from typing import Any

from dropcast.domain.events import MovementKind
from dropcast.domain.hold import Order
from dropcast.domain.ports import Change
from dropcast.domain.trades import Expire, Granted, Invalid, Problem, Reason, Refused
from dropcast.store.connection import ask
from tests.support.engine import (
    Stall,
    a_drop,
    pay,
    reasons,
    release,
    reserve,
    sell,
    unpay,
)
from tests.support.keys import keys

# Release -----------------------------------------------------------------------------------------------------


async def test_a_released_hold_gives_its_units_back_once(stall: Stall) -> None:
    await stall.granted(reserve("h1", qty=2))
    assert reasons(await stall.trade(release("h1"), release("h1"))) == ["released", "released"]
    assert reasons(await stall.trade(release("h1"))) == ["released"]
    assert await stall.units() == (3, 0, 0, 3)
    assert await stall.due() == {}


async def test_only_its_viewer_or_an_operator_releases_a_hold(stall: Stall) -> None:
    await stall.granted(reserve("h1"))
    outcomes = await stall.trade(
        release("h1", "eve"), pay("h1", "eve"), unpay("h1", "eve"), sell("h1", "eve"), pay("h1", "")
    )
    assert outcomes == [Invalid(Problem.NOT_YOURS)] * 5
    assert reasons(await stall.trade(release("h1", ""))) == ["released"]


async def test_what_is_being_paid_sold_or_expired_is_not_released(stall: Stall) -> None:
    await stall.trade(reserve("h1"), reserve("h2", "ben"), pay("h1"))
    await stall.make_due("h:h2")
    assert reasons(await stall.trade(release("h1"), release("h2", "ben"))) == ["paying", "expired"]
    assert reasons(await stall.trade(sell("h1"), release("h1"))) == ["sold", "sold"]


# Pay, unpay, sell ----------------------------------------------------------------------------------------------


async def test_a_sale_moves_the_hold_to_sold_and_writes_the_order(stall: Stall) -> None:
    await stall.granted(reserve("h1", qty=2))
    paying, sold = await stall.trade(pay("h1"), sell("h1", payment="ref-7"))
    assert reasons([paying, sold]) == ["paying", "sold"]
    assert await stall.units() == (1, 0, 2, 3)
    (*_, entry) = await stall.journal()
    expected = Order("oh1", "h1", "ana", "d1", "RED", 2, 5_800, "ref-7", entry.at_ms)
    assert await stall.shows.orders("friday") == [expected]
    assert await stall.due() == {}


async def test_a_sale_that_is_retried_is_the_same_order(stall: Stall) -> None:
    await stall.trade(reserve("h1"), pay("h1"), sell("h1"))
    orders = await stall.shows.orders("friday")
    assert reasons(await stall.trade(sell("h1"))) == ["sold"]
    assert await stall.shows.orders("friday") == orders
    # Another attempt's payment bought nothing: it must hear so.
    assert await stall.one(sell("h1", attempt="second")) == Refused(Reason.SOLD, offset=2)
    assert await stall.one(pay("h1")) == Refused(Reason.SOLD, offset=2)


async def test_a_payment_keeps_the_hold_for_as_long_as_it_takes_at_least(stall: Stall) -> None:
    held, paying = await stall.trade(reserve("h1"), pay("h1", pay_ms=1_000))
    assert isinstance(held, Granted)
    assert isinstance(paying, Granted)
    assert paying.hold.expires_at_ms == held.hold.expires_at_ms
    await stall.shows.update("friday", "d1", Change(hold_ms=1), "key")
    held, paying = await stall.trade(reserve("h2", "ben"), pay("h2", "ben", pay_ms=60_000))
    assert isinstance(held, Granted)
    assert isinstance(paying, Granted)
    assert paying.hold.expires_at_ms == held.hold.expires_at_ms - 1 + 60_000
    assert await stall.due() == {f"h:{hold.id}": hold.expires_at_ms for hold in await open_holds(stall)}


async def open_holds(stall: Stall) -> Any:
    return (await stall.shows.read("friday")).holds


async def test_one_attempt_pays_at_a_time(stall: Stall) -> None:
    outcomes = await stall.trade(
        reserve("h1"), pay("h1"), pay("h1"), pay("h1", attempt="second"), sell("h1", attempt="second")
    )
    assert reasons(outcomes) == ["held", "paying", "paying", "paying", "paying"]
    assert [type(outcome) for outcome in outcomes[3:]] == [Refused, Refused]
    assert reasons(await stall.trade(unpay("h1"), pay("h1", attempt="second"))) == ["held", "paying"]
    outcomes = await stall.trade(unpay("h1"), sell("h1"), sell("h1", attempt="second"))
    assert reasons(outcomes) == ["paying", "paying", "sold"]


async def test_a_declined_payment_leaves_the_hold_with_its_first_deadline(stall: Stall) -> None:
    first = (await stall.granted(reserve("h1"))).hold
    outcomes = await stall.trade(pay("h1"), unpay("h1"), unpay("h1"))
    assert reasons(outcomes) == ["paying", "held", "held"]
    assert await open_holds(stall) == (first,)
    assert await stall.due() == {"h:h1": first.expires_at_ms}
    assert await stall.audit() == []


async def test_a_declined_payment_after_the_first_deadline_ends_the_hold(stall: Stall) -> None:
    await stall.shows.update("friday", "d1", Change(hold_ms=1), "key")
    held, _ = await stall.trade(reserve("h1"), pay("h1"))
    assert isinstance(held, Granted)
    await engine_time_is_past(stall, held.hold.expires_at_ms)
    assert reasons(await stall.trade(unpay("h1"), unpay("h1"))) == ["expired", "expired"]
    assert await stall.units() == (3, 0, 0, 3)
    assert await stall.due() == {}
    assert await stall.audit() == []


async def engine_time_is_past(stall: Stall, at_ms: int) -> None:
    while (await stall.shows.beat("friday", "clock", 0)).at_ms <= at_ms:
        pass


async def test_a_payment_that_takes_too_long_sells_nothing(stall: Stall) -> None:
    await stall.trade(reserve("h1"), pay("h1"))
    await stall.make_due("h:h1")
    assert reasons(await stall.trade(sell("h1"), pay("h1"))) == ["expired", "expired"]
    assert await stall.shows.orders("friday") == []
    assert await stall.units() == (3, 0, 0, 3)


async def test_a_hold_that_nobody_pays_is_not_sold(stall: Stall) -> None:
    await stall.trade(reserve("h1"), reserve("h2", "ben"), release("h2", "ben"))
    outcomes = await stall.trade(
        sell("h1"), sell("h2", "ben"), pay("h2", "ben"), unpay("h2", "ben"), pay("none"), sell("none")
    )
    assert reasons(outcomes) == [
        "not_paying",
        "released",
        "released",
        "released",
        "unknown_hold",
        "unknown_hold",
    ]


# Expire --------------------------------------------------------------------------------------------------------


async def test_a_hold_ends_at_its_deadline_by_the_engines_clock(stall: Stall) -> None:
    await stall.shows.update("friday", "d1", Change(hold_ms=1), "key")
    hold = (await stall.granted(reserve("h1", qty=2))).hold
    await engine_time_is_past(stall, hold.expires_at_ms)
    granted = await stall.granted(Expire())
    assert (granted.hold.id, granted.offset) == ("", 3)
    (*_, entry) = await stall.journal()
    (movement,) = entry.movements
    assert (movement.kind, movement.hold, movement.expires_at_ms) == (
        MovementKind.EXPIRED,
        "h1",
        hold.expires_at_ms,
    )
    assert await stall.units() == (3, 0, 0, 3)
    assert await stall.audit() == []


async def test_an_expire_with_nothing_due_writes_nothing(stall: Stall) -> None:
    await stall.granted(reserve("h1"))
    before = await stall.shows.read("friday")
    await stall.granted(Expire())
    after = await stall.shows.read("friday")
    assert (after.seq, after.offset, after.holds) == (before.seq, before.offset, before.holds)


async def test_more_than_one_call_settles_is_settled_by_the_next_ones(stall: Stall) -> None:
    count = 4_500
    await stall.shows.pin("friday", a_drop("big", {"X": count}))
    for first in range(0, count, 500):
        await stall.trade(
            *(reserve(f"h{number}", f"v{number}", "big", "X") for number in range(first, first + 500))
        )
    due = keys.of_show("friday", "due")
    scores = [word for number in range(count) for word in (1, f"h:h{number}")]
    await ask(stall.client, "ZADD", due, *scores)
    await stall.granted(Expire())
    assert await stall.units("X", "big") == (4_000, 500, 0, count)
    await stall.granted(Expire())
    assert await stall.units("X", "big") == (count, 0, 0, count)
    assert await stall.audit() == []


async def test_a_due_entry_without_an_open_hold_is_cleared_away(stall: Stall) -> None:
    await stall.trade(reserve("h1"), release("h1"))
    due = keys.of_show("friday", "due")
    await ask(stall.client, "ZADD", due, 1, "h:h1", 1, "h:nothing", 1, "r:d1:RED", 1, "r:d9:X", 1, "rubbish")
    await stall.granted(Expire())
    assert await stall.due() == {}
    assert await stall.audit() == []


async def test_a_hold_expires_by_itself_only_when_somebody_asks(stall: Stall) -> None:
    await stall.granted(reserve("h1"))
    beat = await stall.shows.beat("friday", "w0", 0)
    assert beat.due_at_ms == (await open_holds(stall))[0].expires_at_ms
    await stall.make_due("h:h1")
    assert (await stall.shows.beat("friday", "w0", 0)).due_at_ms == 1
    assert len(await open_holds(stall)) == 1
