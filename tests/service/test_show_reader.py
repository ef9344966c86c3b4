"""Reads of shows that are not followed are shared, kept for a moment, bounded, and write nothing."""

import asyncio

import msgspec
import pytest
from redis.asyncio import Redis

from dropcast.domain.faults import NotFound, RateLimited
from dropcast.metrics import counts
from dropcast.service.show_reader import ShowReader
from dropcast.settings import Settings
from dropcast.store.connection import ask
from tests.support.counting import CountingShows
from tests.support.engine import Stall, dump, reserve
from tests.support.keys import keys
from tests.support.wait import wait_until

LONG = Settings(show_cache_ms=60_000)


@pytest.fixture
async def store(client: Redis) -> CountingShows:
    return CountingShows(client, keys)


async def test_many_who_ask_for_a_show_share_one_read_and_its_answer(
    store: CountingShows, stall: Stall
) -> None:
    reader = ShowReader(store, LONG)
    pictures = await asyncio.gather(*(reader.picture(stall.show) for _ in range(100)))
    pictures += await asyncio.gather(*(reader.picture(stall.show) for _ in range(100)))
    assert len({id(picture) for picture in pictures}) == 1
    assert store.calls["public"] == 1
    metas = await asyncio.gather(*(reader.meta(stall.show) for _ in range(100)))
    assert {meta.show.title for meta in metas} == {"Friday"}
    assert store.calls["meta"] == 1


async def test_a_picture_has_neither_holds_nor_moderated_viewers(store: CountingShows, stall: Stall) -> None:
    await stall.granted(reserve("h1"))
    await stall.shows.ban(stall.show, "rude", True)
    await stall.shows.beat(stall.show, "w1", 7)
    picture = await ShowReader(store, LONG).picture(stall.show)
    assert (picture.state.holds, picture.state.moderated, picture.viewers) == ({}, {}, 7)
    assert picture.state.stock == {"d1": {"RED": 2}}
    state = msgspec.json.decode(picture.encoded.whole(picture.state, picture.viewers, 0))
    assert state["viewers"] == 7
    assert state["offset"] == picture.state.offset == 2


async def test_nothing_that_is_read_writes_to_the_engine(store: CountingShows, stall: Stall) -> None:
    await stall.granted(reserve("h1"))
    await stall.shows.beat(stall.show, "w1", 7)
    reader = ShowReader(store, LONG)
    before = await dump(stall.client)
    offset = (await ask(stall.client, "INFO", "replication"))["master_repl_offset"]
    dirty = (await ask(stall.client, "INFO", "persistence"))["rdb_changes_since_last_save"]
    await reader.picture(stall.show)
    await reader.meta(stall.show)
    await reader.tops(stall.show)
    await store.shows("", 10)
    await store.holds(stall.show, ["h1", "h2"])
    await store.events(stall.show, 0, 10)
    with pytest.raises(NotFound):
        await reader.picture("nowhere")
    assert await dump(stall.client) == before
    assert (await ask(stall.client, "INFO", "replication"))["master_repl_offset"] == offset
    assert (await ask(stall.client, "INFO", "persistence"))["rdb_changes_since_last_save"] == dirty


async def test_that_there_is_no_such_show_is_remembered_for_a_moment(
    store: CountingShows, client: Redis
) -> None:
    reader = ShowReader(store, LONG)
    for _ in range(20):
        with pytest.raises(NotFound):
            await reader.picture("nowhere")
        with pytest.raises(NotFound):
            await reader.meta("nowhere")
    assert (store.calls["public"], store.calls["meta"]) == (1, 0)
    # A host who has scheduled it elsewhere must not wait for that moment.
    await Stall(client, "nowhere").open()
    assert (await reader.meta_for_host("nowhere")).show.creator == "cleo"
    assert (await reader.meta("nowhere")).seq == 2


async def test_what_is_remembered_is_bounded(store: CountingShows, client: Redis) -> None:
    reader = ShowReader(store, LONG)
    for first in range(0, 5_000, 30):
        await asyncio.gather(
            *(reader.meta(f"none-{number}") for number in range(first, first + 30)), return_exceptions=True
        )
    assert len(reader._metas) <= 4_096
    with pytest.raises(NotFound):
        await reader.meta("none-1")


async def test_an_answer_is_forgotten_after_its_time(store: CountingShows, stall: Stall) -> None:
    reader = ShowReader(store, Settings(show_cache_ms=20))
    await reader.picture(stall.show)
    await wait_until(lambda: not reader._pictures)
    await reader.picture(stall.show)
    assert store.calls["public"] == 2


async def test_what_was_written_here_is_read_anew(store: CountingShows, stall: Stall) -> None:
    reader = ShowReader(store, LONG)
    await reader.picture(stall.show)
    store.is_free.clear()
    reader.forget(stall.show)
    under_way = asyncio.create_task(reader.picture(stall.show))
    await wait_until(lambda: store.calls["public"] == 2)
    await stall.granted(reserve("h1"))
    reader.forget(stall.show)
    after = asyncio.create_task(reader.picture(stall.show))
    await wait_until(lambda: store.calls["public"] == 3)
    store.is_free.set()
    assert (await under_way).state.offset == 1
    assert (await after).state.offset == 2
    assert (await reader.picture(stall.show)).state.offset == 2


async def test_more_reads_than_may_wait_are_refused(store: CountingShows, stall: Stall) -> None:
    for number in range(40):
        await Stall(stall.client, f"show-{number}").open()
    reader = ShowReader(store, Settings(show_reads_max=1, show_cache_ms=1))
    store.is_free.clear()
    before = counts.limited["show_reads_max"]
    reads = [asyncio.create_task(reader.picture(f"show-{number}")) for number in range(40)]
    await wait_until(lambda: counts.limited["show_reads_max"] - before == 23)
    assert store.calls["public"] == 1
    store.is_free.set()
    results = await asyncio.gather(*reads, return_exceptions=True)
    assert sum(isinstance(result, RateLimited) for result in results) == 23
    assert store.calls["public"] == 17


async def test_a_read_that_nobody_waits_for_is_not_encoded_and_counts_until_the_engine_has_answered(
    store: CountingShows, stall: Stall
) -> None:
    await Stall(stall.client, "saturday").open()
    reader = ShowReader(store, Settings(show_reads_max=1, show_cache_ms=60_000))
    store.is_free.clear()
    reads = [asyncio.create_task(reader.picture(stall.show)) for _ in range(10)]
    await wait_until(lambda: store.calls["public"] == 1)
    for read in reads:
        read.cancel()
    await asyncio.wait(reads)
    await wait_until(lambda: len(reader._picture_reads) == 0)
    other = asyncio.create_task(reader.picture("saturday"))
    await asyncio.sleep(0.05)  # that nothing is read is what is shown
    assert store.calls["public"] == 1
    store.is_free.set()
    await other
    assert store.calls["public"] == 2
    assert list(reader._pictures) == ["saturday"]
    assert (await reader.picture(stall.show)).state.seq == 2


async def test_all_who_ask_how_far_a_show_is_share_a_question_that_comes_after_theirs(
    store: CountingShows, stall: Stall
) -> None:
    reader = ShowReader(store, Settings(tops_ms=100))
    loop = asyncio.get_running_loop()
    began_s = loop.time()

    async def ask_for(duration_s: float) -> None:
        while loop.time() - began_s < duration_s:
            await reader.tops(stall.show)

    await asyncio.gather(*(ask_for(0.55) for _ in range(50)))
    assert store.calls["meta"] <= (loop.time() - began_s) / 0.1 + 2
    done = await stall.shows.announce(stall.show, "now", None, "key")
    assert (await reader.tops(stall.show)).seq == done.seq


async def test_a_show_with_a_key_of_another_type_is_a_fault_and_not_remembered(
    store: CountingShows, client: Redis
) -> None:
    await ask(client, "SET", keys.of_show("odd", "meta"), "x", "PX", 60_000)
    reader = ShowReader(store, LONG)
    for _ in range(2):
        with pytest.raises(Exception, match=r"WRONGTYPE|did not write"):
            await reader.meta("odd")
    assert store.calls["meta"] == 2
    await ask(client, "DEL", keys.of_show("odd", "meta"))
