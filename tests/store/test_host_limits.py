"""The engine counts what hosts add to a show in a minute: exactly, over all workers, and nothing is half done."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from dropcast.domain.faults import RateLimited, TooLarge
from dropcast.domain.ports import Change, Done
from dropcast.metrics import counts
from dropcast.store.connection import ask
from dropcast.store.shows import HostLimits, Shows, _fingerprint
from tests.store import version_3
from tests.support.engine import Stall, a_drop, release, reserve
from tests.support.keys import keys

MANY = {"commands_per_min": 1_000, "bytes_per_min": 10_000_000, "event_bytes_max": 1_000_000}

HOSTING: dict[str, Callable[[Shows, str], Awaitable[Done]]] = {
    "pin": lambda shows, key: shows.pin("friday", a_drop(f"d-{key}")),
    "update": lambda shows, key: shows.update("friday", "d1", Change(add_units={"RED": 1}), key),
    "announce": lambda shows, key: shows.announce("friday", "hello", None, key),
}


def counting(stall: Stall, **limits: int) -> Shows:
    """Return a worker's way to the engine that has `limits`; the stall itself has none."""
    return Shows(stall.client, keys, host_limits=HostLimits(**limits))


READS: dict[str, tuple[str, ...]] = {
    "hash": ("HGETALL",),
    "stream": ("XRANGE", "-", "+"),
    "zset": ("ZRANGE", "0", "-1", "WITHSCORES"),
}


async def contents(client: Redis) -> dict[bytes, Any]:
    """Return what the engine holds. A DUMP would not do: reading a large hash may reorder it."""
    found = {}
    for name in await ask(client, "KEYS", "*"):
        command, *arguments = READS[(await ask(client, "TYPE", name)).decode()]
        found[name] = await ask(client, command, name, *arguments)
    return found


async def hosted(client: Redis) -> list[int]:
    """Return when the minute began, and the commands and bytes that it has had."""
    raw = await ask(client, "HGET", keys.of_show("friday", "meta"), "hosted")
    return [int(part) for part in raw.split(b":")]


async def end_minute(client: Redis) -> None:
    began_ms, commands, size = await hosted(client)
    value = f"{began_ms - 60_000}:{commands}:{size}"
    await ask(client, "HSET", keys.of_show("friday", "meta"), "hosted", value)


async def refused(work: Awaitable[Done]) -> RateLimited:
    with pytest.raises(RateLimited) as raised:
        await work
    return raised.value


@pytest.mark.parametrize("name", HOSTING)
async def test_a_show_takes_so_many_commands_a_minute_and_one_more_changes_nothing(
    stall: Stall, name: str
) -> None:
    shows = counting(stall, commands_per_min=3)
    for number in range(3):
        assert not (await HOSTING[name](shows, f"k{number}")).again
    before = await contents(stall.client)
    hits = counts.limited["host_commands_per_show_per_min"]
    for other in HOSTING:
        fault = await refused(HOSTING[other](shows, "one more"))
        assert (fault.code, fault.temporary) == ("rate_limited", True)
        assert 1 <= fault.retry_after_s <= 60
    assert counts.limited["host_commands_per_show_per_min"] == hits + 3
    assert await contents(stall.client) == before
    assert await stall.audit() == []


@pytest.mark.parametrize("name", HOSTING)
async def test_a_command_repeated_under_its_key_is_answered_as_before_and_costs_nothing(
    stall: Stall, name: str
) -> None:
    shows = counting(stall, commands_per_min=1)
    first = await HOSTING[name](shows, "key")
    before = await contents(stall.client)
    for _ in range(3):
        assert await HOSTING[name](shows, "key") == Done(first.seq, first.offset, True)
    assert await contents(stall.client) == before


@pytest.mark.parametrize("name", HOSTING)
async def test_a_refused_command_may_be_repeated_under_its_key_and_then_happens(
    stall: Stall, name: str
) -> None:
    shows = counting(stall, commands_per_min=1)
    await shows.announce("friday", "first", None, "first")
    await refused(HOSTING[name](shows, "key"))
    await end_minute(stall.client)
    assert not (await HOSTING[name](shows, "key")).again
    assert (await hosted(stall.client))[1] == 1
    assert await stall.audit() == []


async def test_workers_count_together_and_exactly(stall: Stall) -> None:
    workers = [counting(stall, commands_per_min=50) for _ in range(4)]
    outcomes = await asyncio.gather(
        *(workers[number % 4].announce("friday", "hello", None, f"k{number}") for number in range(80)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Done) for outcome in outcomes) == 50
    assert sum(isinstance(outcome, RateLimited) for outcome in outcomes) == 30
    assert len(await stall.events(2)) == 50


@pytest.mark.parametrize("name", HOSTING)
async def test_the_bytes_of_events_and_journal_are_counted(stall: Stall, name: str) -> None:
    await HOSTING[name](counting(stall, **MANY), "key")
    size = 0
    for log, field in (("events", b"e"), ("journal", b"m")):
        entries = await ask(stall.client, "XRANGE", keys.of_show("friday", log), "-", "+")
        # The show began and d1 was pinned without limits.
        size += sum(len(fields[field]) for _, fields in entries[2 if log == "events" else 1 :])
    assert (await hosted(stall.client))[1:] == [1, size]


async def test_bytes_are_limited_by_the_minute(stall: Stall) -> None:
    shows = counting(stall, bytes_per_min=5_000)
    await shows.announce("friday", "x" * 2_000, None, "k1")
    await shows.announce("friday", "x" * 2_000, None, "k2")
    before, hits = await contents(stall.client), counts.limited["log_bytes_per_show_per_min"]
    assert "bytes" in (await refused(shows.announce("friday", "x" * 2_000, None, "k3"))).message
    assert await contents(stall.client) == before
    assert counts.limited["log_bytes_per_show_per_min"] == hits + 1
    # What is refused counts nothing: something small still fits.
    await shows.announce("friday", "x", None, "k4")
    await end_minute(stall.client)
    await shows.announce("friday", "x" * 2_000, None, "k3")


async def test_what_weighs_more_than_a_minute_may_have_passes_first_and_alone(stall: Stall) -> None:
    shows = counting(stall, bytes_per_min=1_000)
    await shows.announce("friday", "x" * 3_000, None, "k1")
    await refused(shows.announce("friday", "x", None, "k2"))


async def test_an_update_counts_all_the_events_that_it_makes(stall: Stall) -> None:
    skus = {f"SKU-{number}": 1 for number in range(40)}
    await stall.shows.pin("friday", a_drop("d2", skus))
    shows = counting(stall, bytes_per_min=100_000)
    await shows.update("friday", "d2", Change(add_units=dict.fromkeys(skus, -1)), "k1")
    size = (await hosted(stall.client))[2]
    assert (await stall.event_names(3)).count("SoldOut") == 40
    entries = await ask(stall.client, "XRANGE", keys.of_show("friday", "events"), "4-0", "+")
    assert len(entries) == 41
    assert size > sum(len(fields[b"e"]) for _, fields in entries)


@pytest.mark.parametrize("name", HOSTING)
async def test_an_event_has_a_bounded_weight(stall: Stall, name: str) -> None:
    before, hits = await contents(stall.client), counts.limited["event_bytes_max"]
    with pytest.raises(TooLarge, match="20 bytes") as raised:
        await HOSTING[name](counting(stall, event_bytes_max=20), "key")
    assert (raised.value.code, raised.value.temporary) == ("too_large", False)
    assert counts.limited["event_bytes_max"] == hits + 1
    assert await contents(stall.client) == before


async def test_a_card_counts_for_the_weight_of_its_event(stall: Stall) -> None:
    skus = {f"SKU-{number:04}": 1 for number in range(2_000)}
    with pytest.raises(TooLarge):
        await counting(stall, event_bytes_max=100_000).pin("friday", a_drop("d2", skus))
    await counting(stall, **MANY).pin("friday", a_drop("d2", skus))


async def test_what_ends_or_keeps_out_is_never_limited_and_costs_nothing(stall: Stall) -> None:
    shows = counting(stall, commands_per_min=1, bytes_per_min=1, event_bytes_max=1_000)
    await shows.announce("friday", "all there is", None, "k1")
    counted = await hosted(stall.client)
    assert not (await shows.freeze("friday")).again
    assert not (await shows.thaw("friday")).again
    assert not (await shows.mute("friday", "ana", True)).again
    assert not (await shows.ban("friday", "ben", True)).again
    assert not (await shows.unpin("friday", "d1", "k2")).again
    assert not (await shows.end("friday")).again
    assert await hosted(stall.client) == counted


async def test_events_of_trades_and_deadlines_are_never_limited(stall: Stall) -> None:
    shows = counting(stall, commands_per_min=1, bytes_per_min=1)
    await shows.update("friday", "d1", Change(limit=3), "k1")
    await stall.trade(reserve("h1", qty=3))
    await stall.trade(release("h1"))
    await stall.make_due("r:d1:RED")
    await stall.trade(reserve("h2", "ben"))
    assert await stall.event_names(3) == ["SoldOut", "Restocked"]


async def test_a_clock_that_goes_back_begins_a_new_minute(stall: Stall) -> None:
    shows = counting(stall, commands_per_min=1)
    await shows.announce("friday", "hello", None, "k1")
    meta = keys.of_show("friday", "meta")
    for value in ("99999999999999:1:10", "nonsense"):
        await ask(stall.client, "HSET", meta, "hosted", value)
        await shows.announce("friday", "hello", None, f"after {value}")


async def test_without_limits_nothing_is_counted(stall: Stall) -> None:
    for name, host in HOSTING.items():
        await host(stall.shows, name)
    assert await ask(stall.client, "HGET", keys.of_show("friday", "meta"), "hosted") is None


async def test_servers_of_version_3_are_answered_as_before_beside_one_that_counts(stall: Stall) -> None:
    old, shows = version_3.Server(stall.client, "friday"), counting(stall, commands_per_min=2)
    assert await old.pin("d2", "pinned") == ["ok", 3, 2, False]
    assert await old.pin("d2", "pinned") == ["ok", 3, 2, True]
    assert await old.update("d2", "k1", "changed", 5) == ["ok", 4, 2, False]
    assert await old.announce("k2", "told", "hello") == ["ok", 5, 2, False]
    assert await old.announce("k2", "told otherwise", "hello") == ["key_used"]
    # They count nothing, and nothing is refused them.
    await shows.announce("friday", "one", None, "k3")
    await shows.announce("friday", "two", None, "k4")
    await refused(shows.announce("friday", "three", None, "k5"))
    assert await old.announce("k6", "more", "hello") == ["ok", 8, 2, False]
    assert (await hosted(stall.client))[1] == 2
    assert await stall.audit() == []


async def test_a_command_that_either_version_has_done_is_answered_by_the_other_without_counting(
    stall: Stall,
) -> None:
    old, shows = version_3.Server(stall.client, "friday"), counting(stall, commands_per_min=1)
    fingerprint = _fingerprint("announce", "hello", None)
    assert await old.announce("k1", fingerprint, "hello") == ["ok", 3, 1, False]
    await shows.announce("friday", "all there is", None, "k2")
    assert await shows.announce("friday", "hello", None, "k1") == Done(3, 1, True)
    again = _fingerprint("announce", "all there is", None)
    assert await old.announce("k2", again, "all there is") == ["ok", 4, 1, True]
