"""Drops that open and close by themselves: at the engine's time, once, whoever calls first."""

import asyncio
from collections.abc import Sequence

import pytest

from dropcast.domain.drop import DropStatus
from dropcast.domain.events import DropClosed, DropOpened, DropScheduled, DropUpdated, SoldOut
from dropcast.domain.faults import BadRequest, Conflict
from dropcast.domain.ports import Change, NewDrop
from dropcast.domain.trades import Expire, Granted, Outcome, Reason, Refused
from tests.support.engine import Stall, a_drop, reserve
from tests.support.wait import wait_until

SOON_MS = 150
HOUR_MS = 3_600_000


async def now_ms(stall: Stall) -> int:
    return (await stall.shows.read(stall.show)).at_ms


async def status_of(stall: Stall, drop: str = "d2") -> DropStatus:
    snapshot = await stall.shows.read(stall.show)
    (found,) = [found for found in snapshot.drops if found.id == drop]
    return found.terms.status


def reason_of(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.reason.value if isinstance(outcome, Refused) else "granted" for outcome in outcomes]


async def test_a_drop_with_a_time_to_come_is_scheduled_with_its_units_and_sells_nothing(stall: Stall) -> None:
    opens_at_ms = await now_ms(stall) + HOUR_MS
    drop = a_drop("d2", opens_at_ms=opens_at_ms, closes_at_ms=opens_at_ms + 1, reveal_at_ms=5)
    done = await stall.shows.pin("friday", drop)
    (event,) = await stall.events(2)
    assert isinstance(event, DropScheduled)
    assert (event.seq, event.drop, event.stock, event.card) == (done.seq, "d2", {"RED": 3}, drop.card)
    terms = event.terms
    assert (terms.status, terms.opened_at_ms) == (DropStatus.SCHEDULED, 0)
    assert (terms.opens_at_ms, terms.closes_at_ms, terms.reveal_at_ms) == (opens_at_ms, opens_at_ms + 1, 5)
    assert await stall.units(drop="d2") == (3, 0, 0, 3)
    assert await stall.one(reserve("h1", drop="d2")) == Refused(Reason.NOT_OPEN, offset=2)
    assert await stall.due() == {"o:d2": opens_at_ms, "c:d2": opens_at_ms + 1}
    assert (await stall.shows.beat("friday", "w0", 1)).due_at_ms == opens_at_ms
    assert await stall.audit() == []


async def test_a_drop_whose_time_has_passed_opens_at_once(stall: Stall) -> None:
    await stall.shows.pin("friday", a_drop("d2", opens_at_ms=1, reveal_at_ms=2))
    (event,) = await stall.events(2)
    assert isinstance(event, DropOpened)
    assert event.terms.opened_at_ms == event.at_ms
    assert await stall.due() == {}


async def test_it_opens_by_the_engines_clock_and_never_before(stall: Stall) -> None:
    opens_at_ms = await now_ms(stall) + SOON_MS
    await stall.shows.pin("friday", a_drop("d2", opens_at_ms=opens_at_ms))

    async def opened() -> bool:
        await stall.one(Expire())
        return await status_of(stall) is DropStatus.OPEN

    await wait_until(opened)
    scheduled, opening = await stall.events(2)
    assert isinstance(opening, DropOpened)
    assert scheduled.at_ms < opens_at_ms <= opening.at_ms == opening.terms.opened_at_ms
    assert opening.terms.opens_at_ms == opens_at_ms
    assert opening.stock == {"RED": 3}


async def test_the_first_reserve_that_reaches_a_due_drop_opens_it(stall: Stall) -> None:
    opens_at_ms = await now_ms(stall) + SOON_MS
    await stall.shows.pin("friday", a_drop("d2", {"RED": 1}, opens_at_ms=opens_at_ms))
    tries = 0

    async def is_granted() -> bool:
        nonlocal tries
        tries += 1
        return isinstance(await stall.one(reserve(f"h{tries}", drop="d2")), Granted)

    await wait_until(is_granted)
    assert await stall.event_names() == ["DropScheduled", "DropOpened", "SoldOut"]
    assert (await stall.journal())[-1].at_ms >= opens_at_ms
    assert await stall.audit() == []


async def test_many_who_come_at_once_open_it_once(stall: Stall) -> None:
    await stall.shows.pin("friday", a_drop("d2", {"RED": 50}, opens_at_ms=await now_ms(stall) + HOUR_MS))
    await stall.make_due("o:d2")
    outcomes = await asyncio.gather(*(stall.one(reserve(f"h{n}", f"v{n}", "d2")) for n in range(20)))
    assert all(isinstance(outcome, Granted) for outcome in outcomes)
    assert await stall.event_names() == ["DropScheduled", "DropOpened"]


async def test_a_reserve_keeps_hours_even_when_more_is_due_than_one_call_settles(stall: Stall) -> None:
    """What opens and closes is looked at again by each reserve, as a hold's deadline is."""
    soon_ms = await now_ms(stall) + SOON_MS
    await stall.shows.pin("friday", a_drop("d2", opens_at_ms=soon_ms))
    await stall.shows.pin("friday", a_drop("d3", closes_at_ms=soon_ms))
    for member in ("o:d2", "c:d3"):
        await stall.make_due(member, at_ms=4_000_000_000_000)

    async def is_past() -> bool:
        return await now_ms(stall) > soon_ms

    await wait_until(is_past)
    outcomes = await stall.trade(reserve("h1", drop="d2"), reserve("h2", drop="d3"))
    assert reason_of(outcomes) == ["granted", "closed"]
    assert await stall.due() == {"h:h1": pytest.approx(soon_ms + HOUR_MS, abs=10_000)}


async def test_a_drop_closes_at_its_time_as_if_it_were_unpinned(stall: Stall) -> None:
    await stall.shows.pin("friday", a_drop("d2", closes_at_ms=await now_ms(stall) + HOUR_MS))
    await stall.granted(reserve("h1", drop="d2"))
    await stall.make_due("c:d2")
    assert reason_of(await stall.trade(reserve("h2", "ben", "d2"))) == ["closed"]
    assert await stall.event_names() == ["DropOpened", "DropClosed"]
    assert await stall.units(drop="d2") == (0, 1, 0, 1)
    assert set(await stall.due()) == {"h:h1"}
    assert await stall.audit() == []


async def test_when_nobody_came_for_the_whole_time_it_opens_and_closes_in_order(stall: Stall) -> None:
    later_ms = await now_ms(stall) + HOUR_MS
    await stall.shows.pin("friday", a_drop("d2", opens_at_ms=later_ms, closes_at_ms=later_ms + 1))
    await stall.make_due("o:d2", at_ms=1)
    await stall.make_due("c:d2", at_ms=2)
    await stall.one(Expire())
    assert await stall.event_names() == ["DropScheduled", "DropOpened", "DropClosed"]
    assert await stall.units(drop="d2") == (0, 0, 0, 0)
    assert await stall.due() == {}
    assert await stall.audit() == []


@pytest.mark.parametrize("how", ["unpin", "end"])
async def test_what_is_closed_before_its_time_never_opens(stall: Stall, how: str) -> None:
    await stall.shows.pin("friday", a_drop("d2", opens_at_ms=await now_ms(stall) + HOUR_MS))
    if how == "unpin":
        await stall.shows.unpin("friday", "d2", "key")
    else:
        await stall.shows.end("friday")
    assert await stall.due() == {}
    closed = [event.drop for event in await stall.events(3) if isinstance(event, DropClosed)]
    assert closed[-1] == "d2"
    await stall.one(Expire())
    assert await status_of(stall) is DropStatus.CLOSED
    assert await stall.units(drop="d2") == (0, 0, 0, 0)
    assert await stall.audit() == []


async def test_a_scheduled_drop_may_be_changed_and_opens_as_it_then_is(stall: Stall) -> None:
    drop = a_drop("d2", {"RED": 0, "BLUE": 2}, opens_at_ms=await now_ms(stall) + HOUR_MS)
    await stall.shows.pin("friday", drop)
    change = Change(add_units={"RED": 1, "BLUE": -2}, prices={"RED": 5}, limit=7)
    await stall.shows.update("friday", "d2", change, "key")
    await stall.make_due("o:d2")
    await stall.granted(reserve("h1", drop="d2"))
    _, updated, opened, sold_out = await stall.events(2)
    assert isinstance(updated, DropUpdated)
    assert isinstance(opened, DropOpened)
    assert isinstance(sold_out, SoldOut)
    assert (opened.terms.limit, opened.terms.prices) == (7, updated.terms.prices)
    assert (opened.stock, sold_out.sku) == ({"RED": 1, "BLUE": 0}, "RED")
    assert await stall.event_names() == ["DropScheduled", "DropUpdated", "DropOpened", "SoldOut"]
    assert await stall.audit() == []


@pytest.mark.parametrize(
    "drop",
    [
        a_drop("d2", opens_at_ms=-1),
        a_drop("d2", opens_at_ms=2**53),
        a_drop("d2", closes_at_ms=1),
        a_drop("d2", reveal_at_ms=-1),
        a_drop("d2", opens_at_ms=4_000_000_000_000, closes_at_ms=4_000_000_000_000),
    ],
    ids=lambda drop: f"{drop.opens_at_ms} {drop.closes_at_ms} {drop.reveal_at_ms}",
)
async def test_times_out_of_bounds_change_nothing(stall: Stall, drop: NewDrop) -> None:
    with pytest.raises(BadRequest):
        await stall.shows.pin("friday", drop)
    assert await stall.event_names() == []


async def test_other_times_under_the_same_key_are_another_pin(stall: Stall) -> None:
    later_ms = await now_ms(stall) + HOUR_MS
    await stall.shows.pin("friday", a_drop("d2", opens_at_ms=later_ms))
    assert (await stall.shows.pin("friday", a_drop("d2", opens_at_ms=later_ms))).again
    with pytest.raises(Conflict):
        await stall.shows.pin("friday", a_drop("d2", opens_at_ms=later_ms + 1))
