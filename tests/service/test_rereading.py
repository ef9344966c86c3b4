"""A followed show is read again when publications were lost, and not for what is none of this engine's."""

import secrets

import msgspec
from redis.asyncio import Redis

from dropcast.domain.events import Announcement, Publication
from dropcast.domain.ports import Change
from dropcast.metrics import counts
from dropcast.service.live_show import LiveShow
from dropcast.store.connection import ask, connect
from dropcast.store.embedded import EmbeddedEngine
from tests.service.conftest import Parts
from tests.support.engine import Stall, release, reserve
from tests.support.keys import keys
from tests.support.recorder import Recorder
from tests.support.wait import wait_until


async def publish(client: Redis, show: str, publication: Publication) -> None:
    """Publish on a show's channel, as another installation on the same engine would."""
    await ask(client, "SPUBLISH", keys.channel(show), msgspec.msgpack.encode(publication))


def a_publication(epoch: str, seq: int, offset: int = 1) -> Publication:
    event = Announcement(seq, 1, offset, "elsewhere", None)
    return Publication(epoch, seq, offset, 1, (event,), (), ())


async def heard(count: int, before: int) -> None:
    """Wait until so many publications have come."""
    await wait_until(lambda: counts.publications - before >= count)


async def quiet(parts: Parts, stall: Stall, live: LiveShow) -> None:
    """Wait until the show is whole again: what is said now reaches it without a read."""
    done = await stall.shows.announce(stall.show, "quiet", None, secrets.token_hex(4))
    await wait_until(lambda: live.state is not None and live.state.seq >= done.seq)
    reads = parts.store.calls["read"]
    for number in range(5):
        done = await stall.shows.announce(stall.show, f"quiet {number}", None, secrets.token_hex(4))
    await wait_until(lambda: live.state is not None and live.state.seq == done.seq)
    assert parts.store.calls["read"] == reads


async def test_another_installation_on_the_same_channel_costs_one_read_and_then_none(
    parts: Parts, stall: Stall, client: Redis
) -> None:
    live = await parts.stage.enter(stall.show)
    member = Recorder()
    live.room.join(member, "")
    before = counts.publications
    for number in range(1, 51):
        await publish(client, stall.show, a_publication("another", number))
    await heard(50, before)
    await quiet(parts, stall, live)
    # One when it was entered, one for the other's first; one more if its next came while that was read.
    assert parts.store.calls["read"] in (2, 3)
    assert [message["text"] for message in member.of_type("announcement")][:1] == ["quiet"]
    assert member.of_type("resync") == []
    await publish(client, stall.show, a_publication("another", 51))
    await quiet(parts, stall, live)
    assert parts.store.calls["read"] in (2, 3)


async def test_two_installations_that_both_talk_disturb_each_other_once(
    parts: Parts, stall: Stall, client: Redis
) -> None:
    live = await parts.stage.enter(stall.show)
    member = Recorder()
    live.room.join(member, "")
    for number in range(1, 31):
        await publish(client, stall.show, a_publication("another", number))
        await stall.shows.announce(stall.show, f"ours {number}", None, f"key {number}")
    await wait_until(lambda: len(member.of_type("announcement")) == 30)
    assert member.seqs == list(range(member.seqs[0], member.seqs[0] + 30))
    assert parts.store.calls["read"] in (2, 3)


async def test_a_copy_of_the_same_history_elsewhere_is_read_for_at_a_bounded_pace(
    parts: Parts, stall: Stall, client: Redis
) -> None:
    """A database that was copied has the same epochs: what comes of it cannot be told from what was lost."""
    live = await parts.stage.enter(stall.show)
    assert live.state is not None
    epoch = live.state.epoch
    before = counts.publications
    for number in range(200):
        await publish(client, stall.show, a_publication(epoch, 1_000 + number))
    await heard(200, before)
    done = await stall.shows.announce(stall.show, "ours", None, "key")
    await wait_until(lambda: live.state is not None and live.state.seq == done.seq)
    assert parts.store.calls["read"] <= 12


async def test_what_came_in_another_epoch_while_the_show_was_read_causes_one_more_read(
    parts: Parts, stall: Stall, client: Redis
) -> None:
    """As when the engine restarts between the read's answer and its arrival."""
    live = await parts.stage.enter(stall.show)
    member = Recorder()
    live.room.join(member, "")
    parts.store.is_free.clear()
    live.on_confirmed()
    await wait_until(lambda: parts.store.calls["read"] == 2)
    await ask(client, "HSET", keys.of_show(stall.show, "meta"), "epoch", "another")
    before = counts.publications
    await stall.shows.announce(stall.show, "after the restart", None, "key")
    await heard(1, before)
    parts.store.is_free.set()
    await wait_until(lambda: live.state is not None and live.state.epoch == "another")
    await quiet(parts, stall, live)
    assert parts.store.calls["read"] == 3
    assert len(member.of_type("resync")) == 1


async def test_what_came_before_a_read_of_an_older_history_is_dropped(
    parts: Parts, stall: Stall, client: Redis
) -> None:
    live = await parts.stage.enter(stall.show)
    assert live.state is not None
    epoch = live.state.epoch
    before = counts.publications
    await publish(client, stall.show, a_publication("lost", 3))
    await heard(1, before)
    await wait_until(lambda: parts.store.calls["read"] == 2)
    await quiet(parts, stall, live)
    assert live.state.epoch == epoch
    assert parts.store.calls["read"] == 2
    # An epoch that was foreign and becomes the engine's own is followed.
    await ask(client, "HSET", keys.of_show(stall.show, "meta"), "epoch", "lost")
    live.on_beat(await stall.shows.beat(stall.show, "w0", 0))
    await wait_until(lambda: live.state is not None and live.state.epoch == "lost")
    await quiet(parts, stall, live)


async def test_holds_that_ended_unheard_are_read_in_one_go_and_only_for_viewers_in_the_room(
    parts: Parts, stall: Stall
) -> None:
    await stall.shows.update(stall.show, "d1", Change(add_units={"RED": 600}), "more")
    for first in range(0, 600, 200):
        await stall.trade(*(reserve(f"h{n}", f"v{n}") for n in range(first, first + 200)))
    live = await parts.stage.enter(stall.show)
    member = Recorder()
    live.room.join(member, "v7")
    await parts.tail.unfollow(stall.show)
    for first in range(0, 600, 200):
        await stall.trade(*(release(f"h{n}", f"v{n}") for n in range(first, first + 200)))
    live.on_confirmed()
    await wait_until(lambda: member.of_type("hold_released"))
    assert parts.store.calls["holds"] == 1
    assert live.state is not None
    assert live.state.holds == {}


async def test_a_room_that_missed_more_than_a_viewer_is_sent_gets_the_whole_state(
    parts: Parts, stall: Stall
) -> None:
    live = await parts.stage.enter(stall.show)
    member = Recorder()
    live.room.join(member, "")
    await parts.tail.unfollow(stall.show)
    for number in range(180):
        await stall.shows.announce(stall.show, "x" * 1_900, None, f"key {number}")
    live.on_confirmed()
    await wait_until(lambda: member.of_type("resync"))
    assert member.of_type("announcement") == []


async def test_what_is_kept_while_a_show_is_read_is_bounded(parts: Parts, stall: Stall) -> None:
    live = await parts.stage.enter(stall.show)
    assert live.state is not None
    parts.store.is_free.clear()
    live.on_confirmed()
    await wait_until(lambda: parts.store.calls["read"] == 2)
    for number in range(10_000):
        live.on_publication(a_publication(live.state.epoch, 5_000 + number))
    assert len(live._reading._during) <= 4_096
    parts.store.is_free.set()
    await quiet(parts, stall, live)


async def test_two_installations_told_apart_by_database_alone_hear_each_other_and_stay_quiet(
    parts: Parts, stall: Stall, engine: EmbeddedEngine
) -> None:
    other_client = connect(f"{engine.url}?db=1")
    other = Parts(f"{engine.url}?db=1", other_client, "w1", parts.settings)
    try:
        other_stall = await Stall(other_client).open()
        rooms = []
        for worker in (parts, other):
            live = await worker.stage.enter("friday")
            rooms.append(Recorder())
            live.room.join(rooms[-1], "")
        for number in range(20):
            await stall.shows.announce("friday", "first", None, f"key {number}")
            await other_stall.shows.announce("friday", "second", None, f"key {number}")
        await wait_until(lambda: all(len(room.of_type("announcement")) == 20 for room in rooms))
        for room, text in zip(rooms, ("first", "second"), strict=True):
            assert {message["text"] for message in room.of_type("announcement")} == {text}
            assert room.seqs == list(range(3, 23))
            assert room.of_type("resync") == []
        for worker in (parts, other):
            # One when it was entered, one for the other's first, one more if another came meanwhile.
            assert worker.store.calls["read"] <= 3
    finally:
        await other.close()
        await other_client.aclose()


async def test_a_show_that_is_followed_no_more_is_not_read_for_a_beat_that_comes_late(
    parts: Parts, stall: Stall
) -> None:
    live = await parts.stage.enter(stall.show)
    await parts.stage.close()
    assert live.state is not None
    before = parts.store.calls["read"]
    beat = msgspec.structs.replace(
        await stall.shows.beat(stall.show, "w1", 0), epoch="another", seq=live.state.seq + 1
    )
    live.on_beat(beat)
    live.on_publication(a_publication("another", 9))
    assert live._reading._task is None
    assert parts.store.calls["read"] == before
