"""The tail: publications in order, and a confirmation each time that some may have been lost."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from dropcast.domain.events import Publication
from dropcast.domain.faults import NotFound
from dropcast.store.connection import ask, connect
from dropcast.store.embedded import EmbeddedEngine
from dropcast.store.tail import Tail
from tests.support.engine import Stall, release, reserve
from tests.support.keys import keys
from tests.support.wait import wait_until


class Follower:
    """A recording double of a live show."""

    def __init__(self) -> None:
        self.confirmed = 0
        self.publications: list[Publication] = []

    def on_confirmed(self) -> None:
        self.confirmed += 1

    def on_publication(self, publication: Publication) -> None:
        self.publications.append(publication)

    async def follow(self, tail: Tail, show: str) -> None:
        confirmed = self.confirmed
        await tail.follow(show, self.on_publication, self.on_confirmed)
        await wait_until(lambda: self.confirmed > confirmed)


async def listening(client: Redis) -> list[bytes]:
    """The ids of the connections that have subscribed to something."""
    answer: bytes = await ask(client, "CLIENT", "LIST", "TYPE", "PUBSUB")
    return [line.split()[0] for line in answer.splitlines()]


@pytest.fixture
async def tail(engine: EmbeddedEngine) -> AsyncIterator[Tail]:
    tail = Tail(connect(engine.url), keys)
    yield tail
    await tail.close()


async def test_publications_come_in_order_after_the_confirmation(stall: Stall, tail: Tail) -> None:
    follower = Follower()
    await follower.follow(tail, "friday")
    for number in range(50):
        await stall.trade(reserve(f"h{number}"), release(f"h{number}"))
    await wait_until(lambda: len(follower.publications) == 50)
    assert [publication.offset for publication in follower.publications] == list(range(2, 52))
    epoch = (await stall.shows.read("friday")).epoch
    assert {publication.epoch for publication in follower.publications} == {epoch}
    assert follower.confirmed == 1


async def test_one_connection_hears_many_shows_and_keeps_them_apart(client: Redis, tail: Tail) -> None:
    stalls = [await Stall(client, show).open() for show in ("friday", "sunday")]
    followers = [Follower(), Follower()]
    for stall, follower in zip(stalls, followers, strict=True):
        await follower.follow(tail, stall.show)
    await stalls[1].trade(reserve("h1"))
    await stalls[0].trade(reserve("h2"))
    await wait_until(lambda: all(follower.publications for follower in followers))
    assert [follower.publications[0].movements[0].hold for follower in followers] == ["h2", "h1"]
    assert len(await listening(client)) == 1


async def test_who_unfollows_hears_nothing_more(client: Redis, stall: Stall, tail: Tail) -> None:
    friday, other = Follower(), Follower()
    await friday.follow(tail, "friday")
    await other.follow(tail, "other")
    await tail.unfollow("friday")
    await tail.unfollow("never-followed")
    await stall.trade(reserve("h1"))
    await ask(client, "SPUBLISH", keys.channel("other"), b"\x97\xa1e\x00\x00\x00\x90\x90\x90")
    await wait_until(lambda: other.publications)
    assert friday.publications == []
    await friday.follow(tail, "friday")
    await stall.trade(reserve("h2", "ben"))
    await wait_until(lambda: friday.publications)


async def test_a_lost_connection_is_made_anew_and_every_show_confirmed_again(
    client: Redis, tail: Tail
) -> None:
    stalls = [await Stall(client, show).open() for show in ("friday", "sunday")]
    followers = [Follower(), Follower()]
    for stall, follower in zip(stalls, followers, strict=True):
        await follower.follow(tail, stall.show)
    for round_number in (2, 3, 4):
        assert await ask(client, "CLIENT", "KILL", "TYPE", "PUBSUB") == 1
        await wait_until(lambda: [follower.confirmed for follower in followers] == [round_number] * 2)  # noqa: B023
    await stalls[0].trade(reserve("h1"))
    await wait_until(lambda: followers[0].publications)


async def test_an_engine_that_is_away_is_waited_for(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path / "data")
    tail = Tail(connect(engine.url), keys)
    follower, late = Follower(), Follower()
    await tail.follow("friday", follower.on_publication, follower.on_confirmed)
    await asyncio.sleep(0)
    await tail.follow("sunday", late.on_publication, late.on_confirmed)
    assert follower.confirmed == 0
    await asyncio.to_thread(engine.start)
    await wait_until(lambda: (follower.confirmed, late.confirmed) == (1, 1))
    await asyncio.to_thread(engine.stop)
    await tail.unfollow("sunday")
    await asyncio.to_thread(engine.start)
    await wait_until(lambda: follower.confirmed == 2)
    assert late.confirmed == 1
    await tail.close()
    await asyncio.to_thread(engine.stop)


async def test_an_engine_that_falls_silent_is_noticed(tmp_path: Path) -> None:
    with EmbeddedEngine(tmp_path / "data") as engine:
        tail = Tail(connect(engine.url), keys, quiet_s=0.05)
        follower = Follower()
        await follower.follow(tail, "friday")
        os.kill(engine.pid, signal.SIGSTOP)
        await wait_until(lambda: tail._pubsub is None)
        os.kill(engine.pid, signal.SIGCONT)
        await wait_until(lambda: follower.confirmed == 2)
        await tail.close()


async def test_a_quiet_show_keeps_its_connection(stall: Stall, engine: EmbeddedEngine) -> None:
    tail = Tail(connect(engine.url), keys, quiet_s=0.2)
    follower = Follower()
    await follower.follow(tail, "friday")
    before = await listening(stall.client)
    await ask(stall.client, "CONFIG", "RESETSTAT")

    async def asked_twice() -> bool:
        stats = await ask(stall.client, "INFO", "commandstats")
        return bool(stats.get("cmdstat_ping", {"calls": 0})["calls"] >= 2)

    await wait_until(asked_twice)
    assert await listening(stall.client) == before
    assert follower.confirmed == 1
    await tail.close()


async def test_it_may_be_closed_at_any_moment(stall: Stall, engine: EmbeddedEngine) -> None:
    for turns in range(60):
        # So little patience that it is always about to ask, to connect or to give up.
        tail = Tail(connect(engine.url), keys, quiet_s=0.001)
        follower = Follower()
        await tail.follow("friday", follower.on_publication, follower.on_confirmed)
        for _ in range(turns * 10):
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await tail.close()


async def test_what_cannot_be_read_or_taken_is_passed_over(
    stall: Stall, tail: Tail, caplog: pytest.LogCaptureFixture
) -> None:
    follower = Follower()
    await follower.follow(tail, "friday")
    await ask(stall.client, "SPUBLISH", keys.channel("friday"), b"rubbish")
    await stall.trade(reserve("h1"))
    await wait_until(lambda: follower.publications)
    assert "could not be taken" in caplog.text


async def test_only_shows_are_followed(tail: Tail) -> None:
    follower = Follower()
    with pytest.raises(NotFound):
        await tail.follow("no}show", follower.on_publication, follower.on_confirmed)
