"""The event log is read in pages that are shared and kept, and never more of it than the budgets allow."""

import asyncio
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from dropcast.metrics import counts
from dropcast.service.event_log import PAGE_EVENTS, EventLog
from dropcast.settings import Settings
from dropcast.store.connection import ask
from tests.support.counting import CountingShows
from tests.support.engine import Stall
from tests.support.keys import keys
from tests.support.wait import wait_until

SHOW = "friday"


@pytest.fixture
async def store(client: Redis) -> CountingShows:
    return CountingShows(client, keys)


@pytest.fixture
async def top(stall: Stall) -> int:
    """A log of 202 events; return its top."""
    said = (stall.shows.announce(SHOW, f"word {number}", None, f"key {number}") for number in range(200))
    return max(done.seq for done in await asyncio.gather(*said))


async def epoch_of(stall: Stall) -> str:
    return (await stall.shows.meta(SHOW)).epoch


@pytest.mark.parametrize("codec_index", [0, 1])
@pytest.mark.parametrize("since", [0, 1, 63, 64, 65, 127, 128, 150, 200, 201])
async def test_it_gives_exactly_what_comes_after(
    store: CountingShows, stall: Stall, top: int, since: int, codec_index: int
) -> None:
    log = EventLog(store, Settings())
    found = await log.after(SHOW, await epoch_of(stall), since, top, codec_index)
    assert found is not None
    assert [event.seq for event in found] == list(range(since + 1, top + 1))
    decode = (msgspec.json.decode, msgspec.msgpack.decode)[codec_index]
    decoded: list[dict[str, Any]] = [decode(event.value) for event in found]
    assert [event["seq"] for event in decoded] == list(range(since + 1, top + 1))


async def test_all_who_miss_the_same_share_its_pages_while_they_are_read_and_afterwards(
    store: CountingShows, stall: Stall, top: int
) -> None:
    log, epoch = EventLog(store, Settings()), await epoch_of(stall)
    first = await asyncio.gather(*(log.after(SHOW, epoch, 2 + n, top, 0) for n in range(40)))
    later = await asyncio.gather(*(log.after(SHOW, epoch, 2 + n, top, 0) for n in range(40)))
    assert all(found is not None and len(found) == top - 2 - n for n, found in enumerate(first))
    assert later == first
    assert store.calls["events"] == top // PAGE_EVENTS + 1


async def test_what_was_kept_of_the_last_page_is_read_again_when_more_is_in_it(
    store: CountingShows, stall: Stall, top: int
) -> None:
    log, epoch = EventLog(store, Settings()), await epoch_of(stall)
    assert len(await log.after(SHOW, epoch, top - 1, top, 0) or ()) == 1
    done = await stall.shows.announce(SHOW, "more", None, "more")
    assert len(await log.after(SHOW, epoch, top - 1, done.seq, 0) or ()) == 2
    assert store.calls["events"] == 2


async def test_more_bytes_than_one_answer_may_have_are_not_read_to_the_end(
    store: CountingShows, stall: Stall, top: int
) -> None:
    log = EventLog(store, Settings(catch_up_bytes_max=10_000))
    before = counts.limited["catch_up_bytes_max"]
    assert await log.after(SHOW, await epoch_of(stall), 0, top, 0) is None
    assert store.calls["events"] < 4
    assert counts.limited["catch_up_bytes_max"] == before + 1
    assert log.is_too_much(201)
    assert not log.is_too_much(200)


async def test_beyond_the_budget_of_a_show_nothing_more_is_read_of_it(
    store: CountingShows, stall: Stall, top: int
) -> None:
    settings = Settings(catch_up_bytes_per_s=4_000)
    log, epoch = EventLog(store, settings), await epoch_of(stall)
    before = counts.limited["catch_up_bytes_per_s"]
    assert await log.after(SHOW, epoch, 0, top, 0) is None
    assert counts.limited["catch_up_bytes_per_s"] > before
    reads = store.calls["events"]
    for since in range(64, 200):
        await log.after(SHOW, epoch, since, top, 1)
    assert store.calls["events"] == reads
    # Another show has its own budget, and what is at hand is still given.
    await Stall(stall.client, "saturday").open()
    assert await log.after("saturday", (await stall.shows.meta("saturday")).epoch, 0, 2, 0)
    assert await log.after(SHOW, epoch, 0, 10, 0)


async def test_another_epoch_or_a_log_that_was_trimmed_cannot_tell(
    store: CountingShows, stall: Stall, top: int
) -> None:
    log, epoch = EventLog(store, Settings()), await epoch_of(stall)
    assert await log.after(SHOW, "another", 0, top, 0) is None
    await ask(stall.client, "XTRIM", keys.of_show(SHOW, "events"), "MINID", "100-0")
    assert await log.after(SHOW, epoch, 10, top, 0) is None
    assert await log.after(SHOW, epoch, 70, top, 0) is None
    assert len(await log.after(SHOW, epoch, 99, top, 0) or ()) == top - 99


async def test_a_page_that_nobody_waits_for_any_more_is_not_read_on(
    store: CountingShows, stall: Stall, top: int
) -> None:
    log, epoch = EventLog(store, Settings(catch_up_bytes_per_s=1_024)), await epoch_of(stall)
    store.is_free.clear()
    readers = [asyncio.create_task(log.after(SHOW, epoch, 2, top, 0)) for _ in range(5)]
    await wait_until(lambda: store.calls["events"] == 1)
    for reader in readers:
        reader.cancel()
    await asyncio.wait(readers)
    await wait_until(lambda: store.given_up == 1)
    assert store.calls["events"] == 1
    # It has cost the engine a read all the same, and so the budget.
    before = counts.limited["catch_up_bytes_per_s"]
    assert await log.after(SHOW, epoch, 2, top, 0) is None
    assert store.calls["events"] == 1
    assert counts.limited["catch_up_bytes_per_s"] == before + 1
