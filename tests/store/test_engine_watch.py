"""An engine that fails is told of once, with what is refused meanwhile, and once when it is well again."""

import logging
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest

from dropcast.domain.faults import EngineFault, Fault
from dropcast.store.connection import ask, connect
from dropcast.store.embedded import EmbeddedEngine
from dropcast.store.engine_watch import EngineWatch
from dropcast.store.shows import Shows
from dropcast.store.tail import Tail
from tests.support import engines
from tests.support.engine import HOLDS_PER_VIEWER_MAX, Stall, reserve
from tests.support.engine_proxy import EngineProxy
from tests.support.keys import keys
from tests.support.wait import wait_until

TRIES = 5


class Watched:
    """A store behind a proxy, and the lines that were logged about its engine."""

    def __init__(self, proxy: EngineProxy, shows: Shows, show: str, caplog: pytest.LogCaptureFixture) -> None:
        self.proxy = proxy
        self.shows = shows
        self.show = show
        self._caplog = caplog

    @property
    def lines(self) -> list[str]:
        return [record.getMessage() for record in self._caplog.records if record.levelno >= logging.WARNING]

    async def ask_for_all(self) -> int:
        """Make calls and reads of several kinds; return how many failed."""
        calls = (
            self.shows.take_lease("sweeper", "w0", 500),
            self.shows.beat(self.show, "w0", 1),
            self.shows.trade(self.show, [reserve("h1")], HOLDS_PER_VIEWER_MAX),
            self.shows.announce(self.show, "hello", None, "key"),
            self.shows.read(self.show),
            self.shows.shows("", 10),
            self.shows.events(self.show, 0, 10),
        )
        failed = 0
        for call in calls:
            try:
                await call
            except EngineFault:
                failed += 1
        return failed


@pytest.fixture
async def watched(
    engine: EmbeddedEngine, stall: Stall, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Watched]:
    async with EngineProxy(engine.socket_path, tmp_path, lose=_never) as proxy:
        client = connect(proxy.url)
        try:
            yield Watched(proxy, Shows(client, keys, watch=EngineWatch(steady_s=0)), stall.show, caplog)
        finally:
            await client.aclose()


async def test_an_engine_that_is_away_is_one_line_and_its_return_another(watched: Watched) -> None:
    assert await watched.ask_for_all() == 0
    assert watched.lines == []
    watched.proxy.go_away()
    for _ in range(TRIES):
        assert await watched.ask_for_all() == 7
    (away,) = watched.lines
    assert away.startswith("the engine does not answer: ")
    for word in ("reserves", "checkouts", "pins", "go on watching"):
        assert word in away
    watched.proxy.come_back()
    for _ in range(TRIES):
        assert await watched.ask_for_all() == 0
    _, back = watched.lines
    assert back.startswith("the engine answers again, after ")


async def test_an_engine_that_became_a_replica_is_told_until_it_takes_writes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # One of its own: it goes on as another history.
    with EmbeddedEngine(tmp_path / "own", binary=engines.binary()) as own:
        async with connect(own.url) as client, EngineProxy(own.socket_path, tmp_path, lose=_never) as proxy:
            stall = await Stall(client).open()
            watched = Watched(proxy, Shows(client, keys, watch=EngineWatch(steady_s=0)), stall.show, caplog)
            await ask(client, "REPLICAOF", "127.0.0.1", "1")
            for _ in range(TRIES):
                assert await watched.ask_for_all() == 4  # reads are answered all the while
            (line,) = watched.lines
            assert "it has become a replica; until it does, reserves" in line
            await ask(client, "REPLICAOF", "NO", "ONE")
            assert await watched.ask_for_all() == 0
            assert [line.split(", after")[0] for line in watched.lines[1:]] == [
                "the engine takes writes again"
            ]


def _never(command: list[bytes]) -> bool:
    return False


async def test_an_engine_without_enough_replicas_is_one_line(watched: Watched, stall: Stall) -> None:
    await ask(stall.client, "CONFIG", "SET", "min-replicas-to-write", 1)
    try:
        for _ in range(TRIES):
            assert await watched.ask_for_all() == 4
        assert len(watched.lines) == 1
        assert "NOREPLICAS" in watched.lines[0]
    finally:
        await ask(stall.client, "CONFIG", "SET", "min-replicas-to-write", 0)
    assert await watched.ask_for_all() == 0
    assert len(watched.lines) == 2


async def test_a_full_engine_is_told_until_something_that_needs_memory_is_carried_out(
    watched: Watched, stall: Stall
) -> None:
    await ask(stall.client, "CONFIG", "SET", "maxmemory", 1)
    try:
        for _ in range(TRIES):
            assert await watched.ask_for_all() == 2  # lease, beat and reads go on
        (line,) = watched.lines
        assert line.startswith("the engine's memory is full; until it has room, reserves, pins")
    finally:
        await ask(stall.client, "CONFIG", "SET", "maxmemory", 0)
    assert await watched.ask_for_all() == 0
    assert [line.split(", after")[0] for line in watched.lines[1:]] == ["the engine has memory again"]


async def test_a_damaged_show_is_told_once_while_others_go_on(watched: Watched, stall: Stall) -> None:
    other = await Stall(stall.client, "saturday").open()
    viewers = keys.of_show(stall.show, "viewers")
    await ask(stall.client, "SET", viewers, "not a hash")
    for _ in range(TRIES):
        with pytest.raises(EngineFault):
            await watched.shows.beat(stall.show, "w0", 1)
        await watched.shows.beat(other.show, "w0", 1)
    (line,) = watched.lines
    assert line.startswith("dropcast_beat of ")
    assert viewers in line
    await ask(stall.client, "DEL", viewers)
    await watched.shows.beat(stall.show, "w0", 1)
    assert "works again, after" in watched.lines[1]


async def test_refusals_are_no_trouble(watched: Watched) -> None:
    for _ in range(TRIES):
        for call in (watched.shows.start("nobody"), watched.shows.beat("nobody", "w0", 1)):
            with pytest.raises(Fault):
                await call
    assert watched.lines == []


async def test_a_command_of_one_shot_is_told_by_its_exception_alone(watched: Watched, tmp_path: Path) -> None:
    watched.proxy.go_away()
    client = connect(watched.proxy.url)
    with pytest.raises(EngineFault):
        await Shows(client, keys).shows("", 10)
    await client.aclose()
    assert watched.lines == []


async def test_an_engine_that_comes_and_goes_is_one_trouble(watched: Watched) -> None:
    client = connect(watched.proxy.url)
    shows = Shows(client, keys, watch=EngineWatch(steady_s=0.3))

    async def answers() -> bool:
        try:
            return await shows.take_lease("sweeper", "w0", 500)
        except EngineFault:
            return False

    try:
        for _ in range(TRIES):
            watched.proxy.go_away()
            assert not await answers()
            watched.proxy.come_back()
            await wait_until(answers)
        assert len(watched.lines) == 1
        await wait_until(lambda: _both(answers(), watched))
    finally:
        await client.aclose()


async def _both(answers: Coroutine[Any, Any, bool], watched: Watched) -> bool:
    return await answers and len(watched.lines) == 2


class Follower:
    def __init__(self) -> None:
        self.confirmed = 0

    def on_confirmed(self) -> None:
        self.confirmed += 1


async def test_lost_channels_are_told_once_unless_they_are_back_at_once(watched: Watched) -> None:
    """The rest of the engine answers all the while: only who subscribes is cut off."""
    follower = Follower()
    tail = Tail(connect(watched.proxy.url), keys, watch=EngineWatch(steady_s=0))
    try:
        await tail.follow(watched.show, lambda _: None, follower.on_confirmed)
        await wait_until(lambda: follower.confirmed == 1)
        watched.proxy.cut()
        await wait_until(lambda: follower.confirmed == 2)
        assert watched.lines == []
        watched.proxy.go_away()
        await wait_until(lambda: watched.lines)
        watched.proxy.come_back()
        await wait_until(lambda: follower.confirmed == 3)
    finally:
        await tail.close()
    lost, heard = watched.lines
    assert lost.startswith("the shows' channels cannot be heard: ")
    assert heard.startswith("the shows' channels are heard again, after ")
