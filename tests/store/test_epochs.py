"""Epochs: whoever goes on with a show that another run of the engine wrote begins a new one before it appends."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from dropcast.domain.drop import DropStatus
from dropcast.domain.events import SalesFrozen, Snapshot
from dropcast.domain.ports import Change, Done
from dropcast.domain.show import Frozen
from dropcast.domain.trades import Expire, Granted, Reason, Refused
from dropcast.store.connection import ask
from dropcast.store.functions import Functions
from dropcast.store.shows import Shows
from tests.support.engine import Stall, a_drop, a_show, release, reserve
from tests.support.keys import keys
from tests.support.replica import Pair

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


async def test_a_pin_that_finds_history_lost_is_answered_alike_when_it_is_repeated(stall: Stall) -> None:
    await was_written_by_another_run(stall)
    done = await stall.shows.pin("friday", a_drop("d2"))
    assert await stall.event_names() == ["SalesFrozen", "DropOpened"]
    assert await stall.shows.pin("friday", a_drop("d2")) == Done(done.seq, done.offset, again=True)


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


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with Pair(tmp_path) as pair:
        yield pair


async def there_and_back(pair: Pair, write: Callable[[Stall], Awaitable[object]]) -> Stall:
    """The first hands over to the second, which is written to and dies; the first takes over without those writes."""
    await pair.hand_over()
    await pair.cut(pair.second)
    await write(Stall(pair.client(pair.second)))
    pair.second.stop()
    await pair.promote(pair.first)
    return Stall(pair.client(pair.first))


@pytest.mark.parametrize("name", ["trade", "pin", "beat", "end"])
async def test_a_primary_that_comes_back_without_what_was_written_meanwhile_begins_a_new_epoch(
    pair: Pair, name: str
) -> None:
    """It was demoted and promoted again with its functions and their memory in place."""
    stall = await Stall(pair.client(pair.first)).open(units={"RED": 9})
    before = await stall.shows.read("friday")
    told: list[Snapshot] = []

    async def write(second: Stall) -> None:
        await second.shows.thaw("friday")
        await second.granted(reserve("h1"))
        told.append(await second.shows.read("friday"))

    back = await there_and_back(pair, write)
    assert (await back.shows.read("friday")).epoch not in (before.epoch, told[0].epoch)
    await WRITERS[name](back)
    after = await back.shows.read("friday")
    assert after.offset >= before.offset
    assert after.epoch not in (before.epoch, told[0].epoch)
    assert name == "end" or after.show.frozen in (Frozen.LOST_HISTORY, Frozen.OPERATOR)
    assert await back.audit() == []


async def test_an_offset_that_is_given_out_twice_is_of_another_epoch_each_time(pair: Pair) -> None:
    stall = await Stall(pair.client(pair.first)).open(units={"RED": 9})
    given: list[tuple[str, int]] = []

    async def sell(seller: Stall, hold: str) -> None:
        await seller.shows.thaw("friday")
        offset = (await seller.granted(reserve(hold, viewer=hold))).offset
        given.append(((await seller.shows.read("friday")).epoch, offset))

    await sell(stall, "h1")
    back = await there_and_back(pair, lambda second: sell(second, "h2"))
    await sell(back, "h3")
    assert [offset for _, offset in given][1:] == [given[0][1] + 1] * 2
    assert len({epoch for epoch, _ in given}) == 3


async def test_a_replica_that_was_read_before_it_took_over_does_not_take_itself_for_its_primary(
    pair: Pair,
) -> None:
    stall = await Stall(pair.client(pair.first)).open()
    await pair.in_step()
    client = pair.client(pair.second)
    before = await stall.shows.read("friday")
    run = await ask(client, "FCALL_RO", "dropcast_run", 0)
    await ask(client, "FCALL_RO", "dropcast_read", 13, *keys.all_of_show("friday"))
    await pair.promote()
    assert await ask(client, "FCALL_RO", "dropcast_run", 0) != run
    # What it is marked with while it follows is no history of its own: another primary may be marked so.
    await ask(client, "HSET", keys.of_show("friday", "meta"), "run", run)
    assert (await Stall(client).shows.beat("friday", "w0", 1)).epoch != before.epoch


async def test_a_run_is_the_process_and_its_history_with_a_colon_in_between(stall: Stall) -> None:
    """As every version writes it into a show: what it wrote last it must know again beside newer functions."""
    server, replication = (
        await ask(stall.client, "INFO", "server"),
        await ask(stall.client, "INFO", "replication"),
    )
    expected = f"{server['run_id']}:{replication['master_replid']}"
    for _ in range(3):
        assert await Functions(stall.client, keys).run() == expected
    assert await meta(stall, "run") == expected
