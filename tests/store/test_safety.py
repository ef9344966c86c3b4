"""What goes wrong changes nothing: foreign keys, logs that are ahead, memory that is full, functions that are gone."""

from collections.abc import Awaitable, Callable

import pytest

from dropcast.domain.faults import EngineFault, EngineFull
from dropcast.domain.ports import Change
from dropcast.domain.trades import Expire, Granted
from dropcast.store.connection import ask
from dropcast.store.keys import CHANNEL, SHOW_KEYS
from tests.support.engine import Stall, a_drop, a_show, dump, memory_bound, pay, release, reserve, sell
from tests.support.keys import keys

CALLS: dict[str, Callable[[Stall], Awaitable[object]]] = {
    "schedule": lambda stall: stall.shows.schedule(a_show()),
    "start": lambda stall: stall.shows.start("friday"),
    "end": lambda stall: stall.shows.end("friday"),
    "pin": lambda stall: stall.shows.pin("friday", a_drop("d2")),
    "update": lambda stall: stall.shows.update("friday", "d1", Change(add_units={"RED": 1}), "key"),
    "unpin": lambda stall: stall.shows.unpin("friday", "d1", "key"),
    "announce": lambda stall: stall.shows.announce("friday", "hello", None, "key"),
    "freeze": lambda stall: stall.shows.freeze("friday"),
    "thaw": lambda stall: stall.shows.thaw("friday"),
    "mute": lambda stall: stall.shows.mute("friday", "ben", True),
    "ban": lambda stall: stall.shows.ban("friday", "ben", True),
    "trade": lambda stall: stall.trade(reserve("h2", "ben"), release("h1")),
    "settle": lambda stall: stall.shows.settle("friday", [release("h1"), Expire()], 5),
    "read": lambda stall: stall.shows.read("friday"),
    "beat": lambda stall: stall.shows.beat("friday", "w0", 1),
}


@pytest.mark.parametrize("name", CALLS)
async def test_a_key_of_a_wrong_type_is_refused_before_anything_is_written(stall: Stall, name: str) -> None:
    await stall.trade(reserve("h1"), pay("h1"), reserve("h9", "cem"))
    await stall.make_due("h:h9")
    for key in SHOW_KEYS:
        if key == CHANNEL:
            continue
        real = keys.of_show("friday", key)
        exists = await ask(stall.client, "EXISTS", real)
        if exists:
            await ask(stall.client, "RENAME", real, "aside")
        await ask(stall.client, "SET", real, "foreign")
        before = await dump(stall.client)
        with pytest.raises(EngineFault, match=key):
            await CALLS[name](stall)
        assert await dump(stall.client) == before
        await ask(stall.client, "DEL", real)
        if exists:
            await ask(stall.client, "RENAME", "aside", real)


async def test_a_lease_of_a_wrong_type_is_refused(stall: Stall) -> None:
    await ask(stall.client, "HSET", keys.lease("sweeper"), "a", "b")
    with pytest.raises(EngineFault, match="sweeper"):
        await stall.shows.take_lease("sweeper", "w0", 1_000)
    await ask(stall.client, "DEL", keys.lease("sweeper"))


@pytest.mark.parametrize("log", ["events", "journal"])
@pytest.mark.parametrize("name", ["end", "pin", "unpin"])
async def test_a_log_that_is_ahead_of_its_show_is_refused_before_anything_is_written(
    stall: Stall, log: str, name: str
) -> None:
    await ask(stall.client, "XADD", keys.of_show("friday", log), "99-0", "x", "y")
    before = await dump(stall.client)
    with pytest.raises(EngineFault, match="ahead"):
        await CALLS[name](stall)
    assert await dump(stall.client) == before
    assert {await ask(stall.client, "PTTL", key) for key in before} == {-1}


@pytest.mark.parametrize("log", ["events", "journal"])
async def test_a_trade_is_refused_whole_when_a_log_that_it_would_append_to_is_ahead(
    stall: Stall, log: str
) -> None:
    await ask(stall.client, "XADD", keys.of_show("friday", log), "99-0", "x", "y")
    before = await dump(stall.client)
    with pytest.raises(EngineFault, match="ahead"):
        # The last unit goes, so that there is an event as well.
        await stall.trade(reserve("h1"), reserve("h2", "ben"), reserve("h3", "cem"))
    assert await dump(stall.client) == before


async def test_a_hold_that_cannot_be_read_is_a_fault_before_anything_is_written(stall: Stall) -> None:
    await ask(stall.client, "HSET", keys.of_show("friday", "holds"), "h1", b"\xc1")
    before = await dump(stall.client)
    with pytest.raises(EngineFault):
        await stall.trade(reserve("h2", "ben"), reserve("h1"))
    assert await dump(stall.client) == before


async def test_trades_that_cannot_be_read_are_refused_whole(stall: Stall) -> None:
    names = keys.all_of_show("friday")
    for vector, limit in ((b"", "5"), (b"\xc1", "5"), (b"\x05", "5"), (b"\x90", "many")):
        answer = await ask(stall.client, "FCALL", "dropcast_trade", len(names), *names, vector, limit)
        assert b"bad_request" in answer


async def test_when_memory_is_full_units_still_come_back_and_are_sold(stall: Stall) -> None:
    await stall.trade(reserve("h1"), reserve("h2", "ben"), reserve("h3", "cem"))
    await stall.make_due("h:h3")
    async with memory_bound(stall.client, 1):
        outcomes = await stall.shows.settle(
            "friday", [release("h2", "ben"), pay("h1"), sell("h1"), Expire()], 50
        )
        assert all(isinstance(outcome, Granted) for outcome in outcomes)
        assert await stall.units() == (2, 0, 1, 3)
        await stall.shows.beat("friday", "w0", 1)
        await stall.shows.unpin("friday", "d1", "key")
        assert await stall.shows.take_lease("sweeper", "w0", 1_000)
        await stall.shows.end("friday")
    assert await stall.audit() == []


@pytest.mark.parametrize("name", ["schedule", "pin", "update", "announce", "trade"])
async def test_when_memory_is_full_nothing_new_is_taken(stall: Stall, name: str) -> None:
    await stall.trade(reserve("h1"))
    before = await dump(stall.client)
    async with memory_bound(stall.client, 1):
        with pytest.raises(EngineFull):
            await CALLS[name](stall)
    assert await dump(stall.client) == before


async def test_functions_that_the_engine_lost_are_loaded_again_in_passing(stall: Stall) -> None:
    await ask(stall.client, "FUNCTION", "FLUSH")
    await stall.granted(reserve("h1"))
    await ask(stall.client, "FUNCTION", "FLUSH")
    assert (await stall.shows.read("friday")).holds
