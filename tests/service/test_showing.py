"""What HTTP requests get of a show: from memory when it is followed, and never older than what they know of."""

import asyncio

import msgspec
import pytest

from dropcast.domain.faults import NotFound
from dropcast.edge.http.answers import DropPage, Snapshot
from dropcast.edge.http.drops import page_of_drops
from dropcast.edge.http.shows import snapshot_of
from dropcast.service.show_reader import Picture
from dropcast.store.connection import ask
from tests.service.conftest import Parts
from tests.support.engine import Stall, a_drop, reserve
from tests.support.recorder import Recorder
from tests.support.wait import wait_until


def snapshot(picture: Picture) -> Snapshot:
    return msgspec.json.decode(b"".join(snapshot_of(picture).pieces), type=Snapshot)


async def test_a_followed_show_is_answered_as_a_join_is_and_asks_the_engine_nothing(
    parts: Parts, stall: Stall
) -> None:
    await stall.granted(reserve("h1"))
    live = await parts.stage.enter(stall.show)
    live.room.join(Recorder(), "")
    live.on_beat(await stall.shows.beat(stall.show, "w0", 3))
    parts.store.calls.clear()
    showing = parts.showing
    for _ in range(50):
        picture = showing.picture_now(stall.show, 0)
        assert picture is not None
        answer = snapshot(picture)
        assert msgspec.json.encode(answer.state) == live.state_payload(0)
        page = msgspec.json.decode(
            msgspec.json.encode(page_of_drops(picture, "", 1)), type=DropPage, strict=True
        )
        assert ([drop.drop for drop in page.items], page.next, page.seq) == (["d1"], "d1", 2)
    assert (answer.seq, answer.offset, answer.state.viewers) == (2, 2, 3)
    assert parts.store.calls.total() == 0


async def test_drops_of_a_show_that_is_not_followed_are_read_once_for_all_pages(
    parts: Parts, stall: Stall
) -> None:
    for number in range(30):
        await stall.shows.pin(stall.show, a_drop(f"x{number:02}"))
    parts.settings = msgspec.structs.replace(parts.settings, show_cache_ms=60_000)
    showing, found, after = parts.new_showing(), [], ""
    while True:
        page = page_of_drops(await showing.picture(stall.show, 0), after, 4)
        found += [msgspec.json.decode(drop)["drop"] for drop in page["items"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert found == ["d1", *(f"x{number:02}" for number in range(30))]
    assert parts.store.calls["public"] == 1


@pytest.mark.parametrize("is_followed", [True, False])
async def test_whoever_knows_of_an_event_waits_for_it(parts: Parts, stall: Stall, is_followed: bool) -> None:
    if is_followed:
        await parts.stage.enter(stall.show)
    showing = parts.showing
    assert (await showing.picture(stall.show, 0)).state.seq == 2
    reading = asyncio.create_task(showing.picture(stall.show, 4))
    looking = asyncio.create_task(showing.meta(stall.show, 4))
    for number in range(2):
        done = await stall.shows.announce(stall.show, "hello", None, f"key {number}")
    assert (await reading).state.seq == done.seq == 4
    assert (await looking).seq == 4


@pytest.mark.parametrize("is_followed", [True, False])
async def test_an_event_that_does_not_come_is_waited_for_so_long_and_no_longer(
    parts: Parts, stall: Stall, is_followed: bool
) -> None:
    if is_followed:
        await parts.stage.enter(stall.show)
    parts.settings = msgspec.structs.replace(parts.settings, ahead_ms=300)
    showing = parts.new_showing()
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    pictures = await asyncio.gather(*(showing.picture(stall.show, 1_000 + n) for n in range(100)))
    assert {picture.state.seq for picture in pictures} == {2}
    assert loop.time() - began_s >= 0.3
    # All of them share their questions.
    assert parts.store.calls["meta"] <= (loop.time() - began_s) / 0.1 + 3
    assert parts.store.calls["public"] <= 3
    assert (await showing.meta(stall.show, 1_000)).seq == 2


@pytest.mark.parametrize("is_followed", [True, False])
async def test_what_was_written_through_this_worker_is_always_seen(
    parts: Parts, stall: Stall, is_followed: bool
) -> None:
    if is_followed:
        await parts.stage.enter(stall.show)
    parts.settings = msgspec.structs.replace(parts.settings, show_cache_ms=60_000)
    showing = parts.new_showing()
    for number in range(20):
        await showing.picture(stall.show, 0)
        done = await stall.shows.announce(stall.show, "hello", None, f"key {number}")
        showing.wrote(stall.show, done.seq)
        assert (await showing.picture(stall.show, 0)).state.seq == done.seq
        assert (await showing.meta(stall.show, 0)).seq == done.seq


async def test_a_request_that_is_given_up_asks_no_more(parts: Parts, stall: Stall) -> None:
    reading = [asyncio.create_task(parts.showing.picture(stall.show, 9)) for _ in range(5)]
    await wait_until(lambda: parts.store.calls["meta"] >= 2)
    for task in reading:
        task.cancel()
    await asyncio.wait(reading)
    assert len(parts.reader._questions) == 0
    before = parts.store.calls["meta"]
    await asyncio.sleep(0.25)  # that nothing happens is what is shown
    assert parts.store.calls["meta"] == before


async def test_a_show_that_is_not_there_is_not_waited_for(parts: Parts) -> None:
    for reading in (parts.showing.picture("nowhere", 5), parts.showing.meta("nowhere", 5)):
        with pytest.raises(NotFound):
            await reading


async def test_reads_of_http_write_nothing_whether_the_show_is_followed_or_not(
    parts: Parts, stall: Stall
) -> None:
    await stall.shows.beat(stall.show, "w1", 3)

    async def changes() -> int:
        info = await ask(stall.client, "INFO", "persistence")
        return int(info["rdb_changes_since_last_save"])

    before = await changes()
    await parts.showing.picture(stall.show, 0)
    await parts.showing.meta(stall.show, 0)
    await parts.stage.enter(stall.show)
    await parts.showing.picture(stall.show, 0)
    await parts.showing.meta(stall.show, 0)
    assert await changes() == before
