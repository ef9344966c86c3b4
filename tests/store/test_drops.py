"""Drops in the engine: pinned, changed, closed; and what the creator says beside them."""

from typing import Any

import pytest

from dropcast.domain.drop import DropStatus
from dropcast.domain.events import Announcement, DropClosed, DropOpened, DropUpdated, Restocked, SoldOut
from dropcast.domain.faults import BadRequest, Conflict, NotFound
from dropcast.domain.ports import Change, NewDrop
from dropcast.domain.trades import Granted
from dropcast.store.connection import ask
from dropcast.store.shows import Shows
from tests.support.engine import Stall, a_drop, a_show, pay, release, reserve, sell
from tests.support.keys import keys


async def test_a_pinned_drop_is_published_with_its_card_terms_and_stock(stall: Stall) -> None:
    drop = a_drop("d2", {"S": 5, "M": 0}, prices={"S": 100, "M": 0}, limit=3, hold_ms=1_000)
    done = await stall.shows.pin("friday", drop)
    (event,) = await stall.events(2)
    assert isinstance(event, DropOpened)
    assert (event.seq, event.offset, event.drop) == (done.seq, done.offset, "d2")
    assert event.stock == {"S": 5, "M": 0}
    assert event.card == drop.card
    assert (event.terms.status, event.terms.limit, event.terms.hold_ms) == (DropStatus.OPEN, 3, 1_000)
    assert event.terms.prices == drop.prices
    assert event.terms.opened_at_ms == event.at_ms
    assert await stall.units("S", "d2") == (5, 0, 0, 5)


async def test_a_pin_that_is_retried_makes_one_drop_also_after_it_was_changed(stall: Stall) -> None:
    first = await stall.shows.pin("friday", a_drop("d2"))
    await stall.shows.update("friday", "d2", Change(prices={"RED": 1}, add_units={"RED": 1}), "key")
    await stall.shows.end("friday")
    again = await stall.shows.pin("friday", a_drop("d2"))
    assert again == (type(again)(seq=first.seq, offset=first.offset, again=True))
    assert [drop.id for drop in (await stall.shows.read("friday")).drops] == ["d1", "d2"]


async def test_another_pin_under_the_same_id_is_a_conflict(stall: Stall) -> None:
    with pytest.raises(Conflict, match="key"):
        await stall.shows.pin("friday", a_drop("d1", {"RED": 4}))


async def test_a_drop_is_pinned_in_a_live_show_only(store: Shows) -> None:
    await store.schedule(a_show())
    with pytest.raises(Conflict, match="not live"):
        await store.pin("friday", a_drop())


@pytest.mark.parametrize(
    "drop",
    [
        a_drop("d2", {}),
        a_drop("d2", {"RED": -1}),
        a_drop("d2", {"RED": 2**31 + 1}),
        a_drop("d2", prices={"RED": -1}),
        a_drop("d2", prices={"RED": 2**53}),
        a_drop("d2", prices={"RED": 2**52}, limit=3),
        a_drop("d2", prices={"BLUE": 1}),
        a_drop("d2", limit=0),
        a_drop("d2", hold_ms=0),
        a_drop("d2", hold_ms=86_400_001),
        a_drop("d:2"),
        a_drop(""),
    ],
    ids=lambda drop: f"{drop.id} {drop.units} {drop.prices} {drop.limit} {drop.hold_ms}",
)
async def test_a_pin_out_of_bounds_changes_nothing(stall: Stall, drop: NewDrop) -> None:
    before = await stall.shows.read("friday")
    with pytest.raises(BadRequest):
        await stall.shows.pin("friday", drop)
    after = await stall.shows.read("friday")
    assert (after.seq, after.drops, after.units) == (before.seq, before.drops, before.units)


async def test_a_drop_may_have_as_many_skus_as_a_product_has_variants(stall: Stall) -> None:
    units = {f"SKU-{number:04}": number for number in range(2_048)}
    await stall.shows.pin("friday", a_drop("d2", units))
    snapshot = await stall.shows.read("friday")
    assert {found.sku: found.free for found in snapshot.units if found.drop == "d2"} == units
    (event,) = await stall.events(2)
    assert isinstance(event, DropOpened)
    assert event.stock == units
    assert await stall.audit() == []


async def test_skus_may_hold_colons_quotes_and_any_letters(stall: Stall) -> None:
    skus = ("a:b", "f:d1:RED", "näh 'rot' \"x\"", "1", "☃")
    await stall.shows.pin("friday", a_drop("d2", dict.fromkeys(skus, 2)))
    for number, sku in enumerate(skus):
        await stall.granted(reserve(f"h{number}", f"viewer:{number}", "d2", sku))
        assert await stall.units(sku, "d2") == (1, 1, 0, 2)
    assert await stall.audit() == []


async def test_an_update_changes_what_it_names_and_nothing_else(stall: Stall) -> None:
    await stall.shows.pin("friday", a_drop("d2", {"S": 1, "M": 1}))
    change = Change(prices={"S": 50}, add_units={"M": 4}, limit=5)
    done = await stall.shows.update("friday", "d2", change, "key")
    (event,) = await stall.events(3)
    assert isinstance(event, DropUpdated)
    assert (event.seq, event.offset) == (done.seq, done.offset)
    assert event.stock == {"S": 1, "M": 5}
    assert event.terms.prices == {"S": 50, "M": 2_900}
    assert (event.terms.limit, event.terms.hold_ms) == (5, 3_600_000)
    assert (await stall.shows.read("friday")).drops[1].terms == event.terms


async def test_a_reprice_does_not_touch_holds_that_were_made(stall: Stall) -> None:
    await stall.granted(reserve("h1"))
    await stall.shows.update("friday", "d1", Change(prices={"RED": 1}), "key")
    (*_, sold) = await stall.trade(pay("h1"), sell("h1"))
    assert isinstance(sold, Granted)
    assert sold.hold.amount_minor == 2_900
    assert (await stall.granted(reserve("h2", "ben"))).hold.price_minor == 1
    assert await stall.audit() == []


async def test_an_update_that_changes_nothing_is_no_event(stall: Stall) -> None:
    done = await stall.shows.update("friday", "d1", Change(limit=2, add_units={"RED": 0}), "key")
    assert (done.seq, done.again) == (2, False)
    assert await stall.event_names() == []


async def test_only_free_units_are_taken_back(stall: Stall) -> None:
    await stall.granted(reserve("h1"))
    with pytest.raises(Conflict, match="only 2 units"):
        await stall.shows.update("friday", "d1", Change(add_units={"RED": -3}), "key")
    await stall.shows.update("friday", "d1", Change(add_units={"RED": -2}), "key")
    assert await stall.units() == (0, 1, 0, 1)
    assert await stall.event_names() == ["DropUpdated", "SoldOut"]
    assert await stall.audit() == []


async def test_a_top_up_of_a_sold_out_sku_is_announced_at_once(stall: Stall) -> None:
    await stall.granted(reserve("h1", qty=2))
    await stall.granted(reserve("h2", "ben"))
    await stall.shows.update("friday", "d1", Change(add_units={"RED": 4}), "key")
    sold_out, updated, restocked = await stall.events(2)
    assert isinstance(sold_out, SoldOut)
    assert isinstance(updated, DropUpdated)
    assert isinstance(restocked, Restocked)
    assert restocked.free == 4


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (Change(prices={"BLUE": 1}), NotFound),
        (Change(add_units={"BLUE": 1}), NotFound),
        (Change(prices={"RED": -1}), BadRequest),
        (Change(prices={"RED": 2**53 - 1}), BadRequest),
        (Change(limit=0), BadRequest),
        (Change(hold_ms=0), BadRequest),
        (Change(add_units={"RED": 2**31 + 1}), BadRequest),
    ],
)
async def test_an_update_out_of_bounds_changes_nothing_and_its_key_stays_unused(
    stall: Stall, change: Change, fault: type[BadRequest]
) -> None:
    before = await stall.shows.read("friday")
    with pytest.raises(fault):
        await stall.shows.update("friday", "d1", change, "key")
    assert (await stall.shows.read("friday")).drops == before.drops
    assert not (await stall.shows.update("friday", "d1", Change(limit=1), "key")).again


async def test_a_command_that_is_retried_is_answered_as_the_first_time(stall: Stall) -> None:
    commands: list[Any] = [
        lambda: stall.shows.update("friday", "d1", Change(add_units={"RED": 1}), "k1"),
        lambda: stall.shows.announce("friday", "hello", {"a": 1}, "k2"),
        lambda: stall.shows.unpin("friday", "d1", "k3"),
    ]
    first = [await command() for command in commands]
    again = [await command() for command in commands]
    assert [(done.seq, done.offset) for done in first] == [(done.seq, done.offset) for done in again]
    assert [done.again for done in first + again] == [False] * 3 + [True] * 3
    assert await stall.event_names() == ["DropUpdated", "Announcement", "DropClosed"]


async def test_a_key_that_was_used_for_something_else_is_a_conflict(stall: Stall) -> None:
    await stall.shows.update("friday", "d1", Change(add_units={"RED": 1}), "key")
    for call in (
        stall.shows.update("friday", "d1", Change(add_units={"RED": 2}), "key"),
        stall.shows.announce("friday", "hello", None, "key"),
        stall.shows.unpin("friday", "d1", "key"),
    ):
        with pytest.raises(Conflict, match="key"):
            await call
    assert await stall.units() == (4, 0, 0, 4)


async def test_the_memory_of_commands_is_bounded_and_forgets_the_oldest(stall: Stall) -> None:
    done = keys.of_show("friday", "done")
    await stall.shows.announce("friday", "old", None, "old")
    record = await ask(stall.client, "HGET", done, "old")
    old = [word for number in range(1_999) for word in (f"filler-{number}", record)]
    await ask(stall.client, "HSET", done, *old)
    await stall.shows.announce("friday", "new", None, "new")
    assert await ask(stall.client, "HLEN", done) == 1_001
    assert (await stall.shows.announce("friday", "new", None, "new")).again


async def test_a_closed_drop_keeps_its_holds_and_withdraws_what_is_free(stall: Stall) -> None:
    await stall.trade(reserve("h1"), reserve("h2", "ben"))
    done = await stall.shows.unpin("friday", "d1", "key")
    (event,) = await stall.events(2)
    assert isinstance(event, DropClosed)
    assert (event.seq, event.offset) == (done.seq, done.offset)
    assert await stall.units() == (0, 2, 0, 2)
    await stall.trade(pay("h1"), sell("h1"), release("h2", "ben"))
    assert await stall.units() == (1, 0, 1, 2)
    assert await stall.due() == {}
    assert await stall.event_names() == ["DropClosed"]
    assert await stall.audit() == []


async def test_a_drop_that_is_closed_already_is_closed(stall: Stall) -> None:
    await stall.shows.unpin("friday", "d1", "key")
    done = await stall.shows.unpin("friday", "d1", "another key")
    assert done.again
    with pytest.raises(Conflict, match="closed"):
        await stall.shows.update("friday", "d1", Change(limit=1), "third key")
    with pytest.raises(NotFound):
        await stall.shows.unpin("friday", "d7", "fourth key")


async def test_an_announcement_carries_any_json(stall: Stall) -> None:
    data = {"poll": [1, 2.5, None, True, "ü"], "nested": {"deep": [[]]}, "": {}}
    await stall.shows.announce("friday", "Vote now! ☃", data, "key")
    await stall.shows.announce("friday", "And that is all", None, "key 2")
    first, second = await stall.events(2)
    assert isinstance(first, Announcement)
    assert (first.text, first.data) == ("Vote now! ☃", data)
    assert isinstance(second, Announcement)
    assert second.data is None


async def test_a_scheduled_show_may_be_announced(store: Shows) -> None:
    await store.schedule(a_show())
    assert (await store.announce("friday", "Soon", None, "key")).seq == 1
