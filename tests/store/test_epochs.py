"""Epochs: whoever goes on with a show that another run of the engine wrote begins a new one before it appends."""

from collections.abc import Awaitable, Callable

import pytest

from dropcast.domain.drop import DropStatus
from dropcast.domain.events import SalesFrozen
from dropcast.domain.ports import Change
from dropcast.domain.show import Frozen
from dropcast.domain.trades import Expire, Granted, Reason, Refused
from dropcast.store.connection import ask
from dropcast.store.functions import Functions
from dropcast.store.shows import Shows
from tests.support.engine import Stall, a_drop, a_show, release, reserve
from tests.support.keys import keys

WRITERS: dict[str, Callable[[Stall], Awaitable[object]]] = {
    "pin": lambda stall: stall.shows.pin("friday", a_drop("d2")),
    "update": lambda stall: stall.shows.update("friday", "d1", Change(limit=1), "key"),
    "unpin": lambda stall: stall.shows.unpin("friday", "d1", "key"),
    "announce": lambda stall: stall.shows.announce("friday", "hello", None, "key"),
    "freeze": lambda stall: stall.shows.freeze("friday"),
    "mute": lambda stall: stall.shows.mute("friday", "ben", True),
    "ban": lambda stall: stall.shows.ban("friday", "ben", True),
    "trade": lambda stall: stall.trade(reserve("h2", "ben")),
    "settle": lambda stall: stall.shows.settle("friday", [Expire()], 5),
    "beat": lambda stall: stall.shows.beat("friday", "w0", 1),
    "end": lambda stall: stall.shows.end("friday"),
}


async def meta(stall: Stall, field: str) -> str | None:
    raw = await ask(stall.client, "HGET", keys.of_show("friday", "meta"), field)
    return raw.decode() if raw is not None else None


async def was_written_by_another_run(stall: Stall, run: str = "another") -> None:
    await ask(stall.client, "HSET", keys.of_show("friday", "meta"), "run", run)


@pytest.mark.parametrize("name", WRITERS)
async def test_every_writer_in_another_run_begins_a_new_epoch(stall: Stall, name: str) -> None:
    before = await stall.shows.read("friday")
    await was_written_by_another_run(stall)
    await WRITERS[name](stall)
    after = await stall.shows.read("friday")
    assert after.epoch != before.epoch
    assert await meta(stall, "epoch") == after.epoch
    assert await meta(stall, "run") == await Functions(stall.client, keys).run()
    assert [event.seq for event in await stall.events()] == list(range(1, after.seq + 1))
    await WRITERS["beat"](stall)
    assert (await stall.shows.read("friday")).epoch == after.epoch
    assert await stall.audit() == []


async def test_a_reader_already_tells_the_epoch_that_the_next_writer_begins(stall: Stall) -> None:
    before = await stall.shows.read("friday")
    await was_written_by_another_run(stall)
    told = (await stall.shows.read("friday")).epoch
    assert told != before.epoch
    assert (await stall.shows.beat("friday", "w0", 1)).epoch == told


async def test_sales_of_a_show_with_drops_are_frozen_until_they_are_thawed(stall: Stall) -> None:
    await stall.granted(reserve("h1"))
    await was_written_by_another_run(stall)
    refused, released = await stall.trade(reserve("h2", "ben"), release("h1"))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.FROZEN
    assert isinstance(released, Granted)
    (event,) = await stall.events(2)
    assert isinstance(event, SalesFrozen)
    assert event.reason is Frozen.LOST_HISTORY
    snapshot = await stall.shows.read("friday")
    assert (snapshot.show.frozen, snapshot.drops[0].terms.status) == (Frozen.LOST_HISTORY, DropStatus.OPEN)
    await stall.shows.thaw("friday")
    await stall.granted(reserve("h2", "ben"))
    assert await stall.audit() == []


async def test_a_beat_is_enough_to_freeze(stall: Stall) -> None:
    await was_written_by_another_run(stall)
    beat = await stall.shows.beat("friday", "w0", 1)
    assert beat.seq == 3
    assert await stall.event_names() == ["SalesFrozen"]
    assert (await stall.shows.beat("friday", "w0", 1)).seq == 3


async def test_where_there_is_nothing_to_sell_nothing_is_frozen(store: Shows, stall: Stall) -> None:
    await store.unpin("friday", "d1", "key")
    await store.schedule(a_show("sunday"))
    await was_written_by_another_run(stall)
    await ask(stall.client, "HSET", keys.of_show("sunday", "meta"), "run", "another")
    for show in ("friday", "sunday"):
        before = (await store.read(show)).seq
        assert (await store.beat(show, "w0", 1)).seq == before
        assert (await store.read(show)).show.frozen is Frozen.NO


async def test_what_an_operator_has_frozen_stays_frozen_for_that_reason(stall: Stall) -> None:
    await stall.shows.freeze("friday")
    await was_written_by_another_run(stall)
    await stall.shows.beat("friday", "w0", 1)
    assert (await stall.shows.read("friday")).show.frozen is Frozen.OPERATOR
    assert await stall.event_names() == ["SalesFrozen"]


async def test_whoever_vouches_for_the_run_before_keeps_the_epoch(stall: Stall) -> None:
    functions = Functions(stall.client, keys)
    before = await stall.shows.read("friday")
    await was_written_by_another_run(stall, "one")
    assert not await functions.adopt("friday", before=["two", "three"])
    assert (await stall.shows.read("friday")).epoch != before.epoch
    assert await functions.adopt("friday", before=["two", "one"])
    assert not await functions.adopt("friday", before=["two", "one"])
    await stall.granted(reserve("h1"))
    after = await stall.shows.read("friday")
    assert (after.epoch, after.show.frozen) == (before.epoch, Frozen.NO)


async def test_a_show_of_version_1_has_no_run_and_goes_on_in_its_epoch(stall: Stall) -> None:
    before = await stall.shows.read("friday")
    await ask(stall.client, "HDEL", keys.of_show("friday", "meta"), "run")
    await stall.granted(reserve("h1"))
    assert (await stall.shows.read("friday")).epoch == before.epoch
    assert await meta(stall, "run") == await Functions(stall.client, keys).run()


async def test_the_library_loaded_anew_in_the_same_process_is_the_same_run(stall: Stall) -> None:
    run = await Functions(stall.client, keys).run()
    await ask(stall.client, "FUNCTION", "FLUSH")
    assert await Functions(stall.client, keys).run() == run


async def test_events_of_another_epoch_are_not_given_for_those_that_were_asked_for(stall: Stall) -> None:
    epoch = (await stall.shows.read("friday")).epoch
    assert [event.seq for event in await stall.shows.events("friday", 0, 10, epoch)] == [1, 2]
    await was_written_by_another_run(stall)
    await stall.shows.announce("friday", "hello", None, "key")
    assert await stall.shows.events("friday", 0, 10, epoch) == []
    assert len(await stall.shows.events("friday", 0, 10)) == 4
