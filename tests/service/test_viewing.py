"""A viewer comes back: to a worker that knows less than they do, to a long log, to a show that is not followed yet."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from dropcast.domain.faults import EngineAway, EngineFault, NotFound
from dropcast.domain.viewer import Role, Viewer
from dropcast.metrics import counts
from dropcast.service.event_log import EventLog
from dropcast.settings import Settings
from dropcast.store.connection import ask
from dropcast.store.embedded import EmbeddedEngine
from dropcast.wire.commands import Since, Watch
from dropcast.wire.messages import Watching
from tests.service.conftest import Parts
from tests.support.engine import Stall
from tests.support.recorder import Recorder
from tests.support.wait import wait_until

ANA = Viewer(id="ana", role=Role.VIEWER)


async def come_back(parts: Parts, show: str, epoch: str, seq: int) -> Watching:
    viewing = parts.viewing
    watch = Watch(id=1, show=show, since=Since(epoch=epoch, seq=seq))
    member = Recorder()
    answer = viewing.watch_now(member, ANA, watch) or await viewing.watch(member, ANA, watch)
    assert answer is not None
    return answer


@pytest.fixture
async def behind(parts: Parts, stall: Stall) -> tuple[str, int]:
    """The parts follow the show, and something was said that has not reached them. Return epoch and seq of it."""
    live = await parts.stage.enter(stall.show)
    assert live.state is not None
    await parts.tail.unfollow(stall.show)
    done = await stall.shows.announce(stall.show, "elsewhere", None, "k1")
    assert live.state.seq < done.seq
    return live.state.epoch, done.seq


async def test_a_viewer_who_has_seen_more_than_the_worker_is_not_led_back(
    parts: Parts, stall: Stall, behind: tuple[str, int]
) -> None:
    epoch, seq = behind
    answer = await come_back(parts, stall.show, epoch, seq)
    assert (answer.recovered, answer.events, answer.seq) == (True, [], seq)


async def test_a_seq_that_nobody_has_seen_is_answered_by_the_whole_state(
    parts: Parts, stall: Stall, behind: tuple[str, int]
) -> None:
    epoch, seq = behind
    answer = await come_back(parts, stall.show, epoch, seq + 1)
    assert (answer.recovered, answer.seq) == (False, seq)
    assert answer.state is not None


async def test_an_engine_that_is_away_does_not_keep_a_viewer_waiting(
    parts: Parts, stall: Stall, client: Redis
) -> None:
    live = await parts.stage.enter(stall.show)
    assert live.state is not None
    parts.settings = msgspec.structs.replace(parts.settings, ahead_ms=100)
    await ask(client, "CLIENT", "PAUSE", 1_000, "ALL")
    with pytest.raises(EngineAway):
        await come_back(parts, stall.show, live.state.epoch, live.state.seq + 1)


async def test_all_who_have_seen_more_share_their_questions_and_one_read(
    parts: Parts, stall: Stall, behind: tuple[str, int]
) -> None:
    epoch, seq = behind
    parts.store.calls.clear()
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    answers = await asyncio.gather(*(come_back(parts, stall.show, epoch, seq + n % 3) for n in range(60)))
    assert {answer.seq for answer in answers} == {seq}
    assert parts.store.calls["read"] == 1
    assert parts.store.calls["meta"] <= (loop.time() - began_s) / 0.1 + 2


async def test_a_false_claim_is_answered_without_a_read(parts: Parts, stall: Stall) -> None:
    live = await parts.stage.enter(stall.show)
    assert live.state is not None
    parts.store.calls.clear()
    claims = (come_back(parts, stall.show, live.state.epoch, 10**6 + n) for n in range(200))
    answers = await asyncio.gather(*claims)
    assert {(answer.recovered, answer.seq) for answer in answers} == {(False, 2)}
    assert parts.store.calls["read"] == 0
    assert parts.store.calls["meta"] <= 3


async def test_a_worker_that_lags_answers_an_error_and_not_an_older_state(
    parts: Parts, stall: Stall, behind: tuple[str, int]
) -> None:
    epoch, seq = behind
    parts.settings = msgspec.structs.replace(parts.settings, ahead_ms=300)
    parts.store.is_free.clear()
    with pytest.raises(EngineFault) as raised:
        await come_back(parts, stall.show, epoch, seq)
    assert raised.value.temporary
    parts.store.is_free.set()
    assert (await come_back(parts, stall.show, epoch, seq)).recovered


async def test_an_event_that_comes_while_a_viewer_waits_for_it_is_enough(parts: Parts, stall: Stall) -> None:
    live = await parts.stage.enter(stall.show)
    assert live.state is not None
    parts.store.calls.clear()
    coming = asyncio.create_task(come_back(parts, stall.show, live.state.epoch, 3))
    done = await stall.shows.announce(stall.show, "now", None, "k1")
    answer = await coming
    assert answer.seq == done.seq
    assert parts.store.calls["read"] == 0


# The event log ----------------------------------------------------------------------------------------------


async def said(stall: Stall, count: int, text: str) -> int:
    """Announce so often; return the top."""
    saying = (stall.shows.announce(stall.show, text, None, f"{text[:9]} {n}") for n in range(count))
    return max(done.seq for done in await asyncio.gather(*saying))


async def test_what_the_ring_has_not_comes_from_the_log_in_one_codec(parts: Parts, stall: Stall) -> None:
    await said(stall, 100, "before")
    live = await parts.stage.enter(stall.show)
    assert live.state is not None
    top = await said(stall, 50, "after")
    await wait_until(lambda: live.state is not None and live.state.seq == top)
    decoders: tuple[Callable[[bytes], Any], ...] = (msgspec.json.decode, msgspec.msgpack.decode)
    for index, decode in enumerate(decoders):
        watch = Watch(id=1, show=stall.show, since=Since(epoch=live.state.epoch, seq=7))
        answer = await parts.viewing.watch(Recorder(index), ANA, watch)
        assert answer is not None
        assert answer.events is not None
        assert [decode(bytes(event))["seq"] for event in answer.events] == list(range(8, top + 1))


async def test_more_than_one_answer_may_have_is_the_whole_state_from_ring_and_log_alike(
    parts: Parts, stall: Stall
) -> None:
    await said(stall, 150, "x" * 1_900)
    live = await parts.stage.enter(stall.show)
    assert live.state is not None
    before = counts.limited["catch_up_bytes_max"]
    answer = await come_back(parts, stall.show, live.state.epoch, 2)
    assert (answer.recovered, answer.events) == (False, None)
    assert counts.limited["catch_up_bytes_max"] == before + 1
    top = await said(stall, 150, "y" * 1_900)
    await wait_until(lambda: live.state is not None and live.state.seq == top)
    parts.store.calls.clear()
    assert not (await come_back(parts, stall.show, live.state.epoch, 152)).recovered
    assert (await come_back(parts, stall.show, live.state.epoch, top - 20)).recovered
    assert parts.store.calls["events"] == 0


async def test_far_more_than_one_answer_may_have_reads_nothing(parts: Parts, stall: Stall) -> None:
    parts.settings = msgspec.structs.replace(parts.settings, catch_up_bytes_max=5_000)
    parts.log = EventLog(parts.store, parts.settings)
    await said(stall, 200, "short")
    live = await parts.stage.enter(stall.show)
    assert live.state is not None
    for since in range(90):
        assert not (await come_back(parts, stall.show, live.state.epoch, since)).recovered
    assert parts.store.calls["events"] == 0


async def test_the_attack_by_watches_from_far_back_reads_no_more_than_the_budget(
    parts: Parts, stall: Stall
) -> None:
    parts.settings = msgspec.structs.replace(parts.settings, catch_up_bytes_per_s=4 * 16_384)
    parts.log = EventLog(parts.store, parts.settings)
    await said(stall, 900, "word " * 20)
    live = await parts.stage.enter(stall.show)
    assert live.state is not None
    epoch = live.state.epoch
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for _ in range(5):
        await asyncio.gather(*(come_back(parts, stall.show, epoch, n) for n in range(0, 800, 10)))
    pages = (loop.time() - began_s + 4.0) * 16_384 / (64 * 150) + 14
    assert parts.store.calls["events"] <= pages


# Shows that come and go -------------------------------------------------------------------------------------


async def test_a_show_that_is_not_there_costs_no_subscription_and_no_whole_read(parts: Parts) -> None:
    for _ in range(30):
        with pytest.raises(NotFound):
            await come_back(parts, "nowhere", "e", 1)
    assert parts.store.calls["read"] == 0
    assert parts.store.calls["meta"] <= 10
    assert parts.stage.followed == 0
    assert parts.tail._followers == {}


async def test_shows_that_are_left_at_once_are_followed_so_many_at_a_time(
    engine: EmbeddedEngine, client: Redis
) -> None:
    parts = Parts(engine.url, client, "w0", Settings(empty_rooms_max=5))
    try:
        watcher = Recorder()
        for number in range(12):
            await Stall(client, f"show-{number}").open()
            watch = Watch(id=1, show=f"show-{number}")
            member = watcher if number == 3 else Recorder()
            await parts.viewing.watch(member, ANA, watch)
            if number != 3:
                parts.viewing.leave(member, f"show-{number}")
        assert parts.stage.followed <= 6
        assert parts.viewing.is_watching(watcher, "show-3")
        assert len(parts.tail._followers) == parts.stage.followed
    finally:
        await parts.close()


async def test_a_show_that_nobody_waits_for_any_more_is_given_up(parts: Parts, stall: Stall) -> None:
    parts.store.is_free.clear()
    watch = Watch(id=1, show=stall.show)
    coming = [asyncio.create_task(parts.viewing.watch(Recorder(), ANA, watch)) for _ in range(5)]
    await wait_until(lambda: parts.store.calls["read"] == 1)
    for task in coming[:4]:
        task.cancel()
    await asyncio.wait(coming[:4])
    assert parts.stage.followed == 1
    coming[4].cancel()
    await asyncio.wait(coming)
    assert parts.stage.followed == 0
    await wait_until(lambda: parts.tail._followers == {})
    parts.store.is_free.set()
    answer = await parts.viewing.watch(Recorder(), ANA, watch)
    assert answer is not None
    assert answer.seq == 2


async def test_whoever_waits_for_a_show_is_told_when_it_is_followed_no_more(
    parts: Parts, stall: Stall
) -> None:
    parts.store.is_free.clear()
    watch = Watch(id=1, show=stall.show)
    coming = [asyncio.create_task(parts.viewing.watch(Recorder(), ANA, watch)) for _ in range(3)]
    await wait_until(lambda: parts.store.calls["read"] == 1)
    await parts.stage.close()
    for task in coming:
        with pytest.raises(EngineAway):
            await task
    assert parts.tail._followers == {}
    parts.store.is_free.set()
    answer = await parts.viewing.watch(Recorder(), ANA, watch)
    assert answer is not None
