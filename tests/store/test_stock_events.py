"""sold_out and restocked: the net effect of a call, and restocked only after half a second of quiet."""

from dropcast.domain.events import Restocked, SoldOut
from dropcast.domain.ports import Change
from dropcast.domain.trades import Expire
from tests.support.engine import Stall, a_drop, pay, release, reserve, sell
from tests.support.wait import wait_until

RESTOCK = "r:d1:RED"


async def sell_out(stall: Stall) -> None:
    await stall.trade(reserve("h1", qty=2), reserve("h2", "ben"))


async def test_running_out_is_announced_once(stall: Stall) -> None:
    await sell_out(stall)
    await stall.trade(reserve("h3", "cem"))
    (event,) = await stall.events(2)
    assert isinstance(event, SoldOut)
    assert (event.drop, event.sku, event.offset) == ("d1", "RED", 2)


async def test_what_comes_and_goes_within_a_call_is_not_announced(stall: Stall) -> None:
    await stall.trade(reserve("h1", qty=2), reserve("h2", "ben"), release("h2", "ben"))
    assert await stall.event_names() == []
    await stall.trade(reserve("h3", "ben"))
    await stall.trade(release("h3", "ben"), reserve("h4", "cem"))
    assert await stall.event_names() == ["SoldOut"]
    assert RESTOCK not in await stall.due()


async def test_a_restock_waits_for_half_a_second_of_quiet(stall: Stall) -> None:
    await sell_out(stall)
    await stall.trade(release("h2", "ben"))
    (*_, entry) = await stall.journal()
    assert (await stall.due())[RESTOCK] == entry.at_ms + 500
    await stall.trade(Expire())
    assert await stall.event_names() == ["SoldOut"]
    await stall.make_due(RESTOCK)
    await stall.trade(Expire())
    (*_, restocked) = await stall.events(2)
    assert isinstance(restocked, Restocked)
    assert restocked.free == 1
    assert RESTOCK not in await stall.due()


async def test_more_units_that_come_free_do_not_put_the_restock_off(stall: Stall) -> None:
    await sell_out(stall)
    await stall.trade(release("h2", "ben"))
    first = (await stall.due())[RESTOCK]
    await stall.trade(release("h1"))
    assert (await stall.due())[RESTOCK] == first


async def test_one_who_flaps_on_the_last_unit_wakes_nobody(stall: Stall) -> None:
    await sell_out(stall)
    for number in range(5):
        await stall.trade(release(f"h{number + 2}", "ben"))
        assert RESTOCK in await stall.due()
        await stall.trade(reserve(f"h{number + 3}", "ben"))
        assert RESTOCK not in await stall.due()
    assert await stall.event_names() == ["SoldOut"]


async def test_a_due_restock_whose_units_are_taken_in_the_same_call_is_not_announced(stall: Stall) -> None:
    await sell_out(stall)
    await stall.trade(release("h2", "ben"))
    await stall.make_due(RESTOCK)
    await stall.trade(reserve("h3", "cem"))
    assert await stall.event_names() == ["SoldOut"]
    assert RESTOCK not in await stall.due()


async def test_units_of_an_expired_hold_come_back_quietly_and_are_announced_later(stall: Stall) -> None:
    await sell_out(stall)
    await stall.make_due("h:h1")
    await stall.trade(Expire())
    await wait_until(lambda: restocked(stall))
    assert await stall.event_names() == ["SoldOut", "Restocked"]


async def restocked(stall: Stall) -> bool:
    await stall.trade(Expire())
    return "Restocked" in await stall.event_names()


async def test_after_a_restock_running_out_is_announced_again(stall: Stall) -> None:
    await sell_out(stall)
    await stall.trade(release("h2", "ben"))
    await stall.make_due(RESTOCK)
    await stall.trade(Expire())
    await stall.trade(reserve("h3", "cem"))
    assert await stall.event_names() == ["SoldOut", "Restocked", "SoldOut"]


async def test_a_sku_pinned_without_units_counts_as_announced(stall: Stall) -> None:
    await stall.shows.pin("friday", a_drop("d2", {"S": 0, "M": 1}))
    assert await stall.event_names() == ["DropOpened"]
    await stall.shows.update("friday", "d2", Change(add_units={"S": 1}), "key")
    assert await stall.event_names() == ["DropOpened", "DropUpdated", "Restocked"]


async def test_selling_what_is_held_announces_nothing_more(stall: Stall) -> None:
    await sell_out(stall)
    await stall.trade(pay("h1"), sell("h1"))
    assert await stall.event_names() == ["SoldOut"]


async def test_a_closed_drop_announces_neither(stall: Stall) -> None:
    await sell_out(stall)
    await stall.trade(release("h2", "ben"))
    await stall.shows.unpin("friday", "d1", "key")
    assert RESTOCK not in await stall.due()
    await stall.trade(release("h1"))
    assert await stall.due() == {}
    assert await stall.event_names() == ["SoldOut", "DropClosed"]
    assert await stall.audit() == []
