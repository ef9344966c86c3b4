"""An engine that cannot go on says so in one clear line, and nothing that it has answered is lost."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from dropcast.domain.faults import EngineAway, EngineFault, EngineFull, EngineUnfit
from dropcast.domain.show import Frozen
from dropcast.domain.trades import Granted
from dropcast.store.connection import ask, connect, examine
from dropcast.store.desk import Desk
from dropcast.store.embedded import EmbeddedEngine
from dropcast.store.shows import Shows
from tests.support.engine import Stall, memory_bound, pay, release, reserve, sell
from tests.support.full_disk import a_program_with_little_room
from tests.support.keys import keys
from tests.support.wait import wait_until

ROOM_BYTES = 256 * 1024
OLD_REDIS = Path("/usr/bin/redis-server")


async def fill(stall: Stall, of: type[EngineFault] = EngineFault) -> int:
    """Announce until the engine fails; return how many announcements it has answered."""
    for number in range(10_000):
        try:
            await stall.shows.announce("friday", "x" * 1_500, None, f"key {number}")
        except of:
            return number
    raise AssertionError("there is always more room")


async def start_and_fill(engine: EmbeddedEngine) -> None:
    """Start an engine whose disk is full: it fails at once, or by the next writes."""
    try:
        engine.start()
    except EngineFault:
        return
    async with connect(engine.url) as client:
        await fill(Stall(client))
    await wait_until(lambda: engine.poll() is not None)


async def test_when_the_disk_is_full_it_ends_and_comes_back_with_all_that_it_answered(tmp_path: Path) -> None:
    program = a_program_with_little_room(tmp_path / "engine", ROOM_BYTES)
    engine = EmbeddedEngine(tmp_path / "data", binary=program)
    engine.start()
    async with connect(engine.url) as client:
        stall = await Stall(client).open()
        before = await stall.shows.read("friday")
        answered = await fill(stall)
    assert answered > 20
    await wait_until(lambda: engine.poll() is not None)
    assert "AOF" in engine.log_tail()

    # While it is full nothing can be written down, not even who was the run before.
    for _ in range(3):
        await start_and_fill(engine)
    (tmp_path / "engine.room").touch()
    engine.start()
    async with connect(engine.url) as client:
        stall = Stall(client)
        await stall.shows.beat("friday", "w0", 1)
        after = await stall.shows.read("friday")
        assert after.seq >= 2 + answered
        assert (after.epoch, after.show.frozen) == (before.epoch, Frozen.NO)
        await stall.granted(reserve("h1"))
        assert await stall.audit() == []
    engine.stop()


@pytest.fixture
async def little_memory(client: Redis, stall: Stall) -> AsyncIterator[Stall]:
    """A stall in an engine that has hardly any memory left."""
    used = (await ask(client, "INFO", "memory"))["used_memory"]
    async with memory_bound(client, used + 200_000):
        yield stall


async def test_reserves_are_refused_when_memory_runs_out_and_what_is_held_can_be_sold_or_given_back(
    little_memory: Stall,
) -> None:
    stall = little_memory
    desk = Desk(stall.shows, holds_per_viewer_max=5)
    await stall.trade(reserve("h1"), reserve("h2", "ben"), reserve("h3", "cem"))
    assert await fill(stall, EngineFull) > 5
    # What the engine frees by itself meanwhile shall not make room again.
    await ask(stall.client, "CONFIG", "SET", "maxmemory", 1_000_000)
    with pytest.raises(EngineFull) as raised:
        await desk.trade("friday", reserve("h4", "dan"))
    assert (raised.value.code, raised.value.temporary) == ("engine_full", True)
    for trade in (release("h2", "ben"), pay("h1"), sell("h1")):
        assert isinstance(await desk.trade("friday", trade), Granted)
    assert await stall.units() == (1, 1, 1, 3)
    assert await stall.audit() == []


async def test_a_disk_that_an_engine_by_address_cannot_write_to_is_one_clear_line(tmp_path: Path) -> None:
    """With appendfsync everysec the engine does not end: it refuses writes (MISCONF)."""
    program = a_program_with_little_room(tmp_path / "engine", ROOM_BYTES)
    with EmbeddedEngine(tmp_path / "data", binary=program) as engine:
        client = connect(engine.url)
        await ask(client, "CONFIG", "SET", "appendfsync", "everysec")
        stall = await Stall(client).open()
        await fill(stall)

        async def says_so() -> bool:
            try:
                await stall.shows.announce("friday", "hello", None, "key")
            except EngineFault as fault:
                return "cannot write to its disk" in fault.message
            return False

        await wait_until(says_so)
        with pytest.raises(EngineFault, match="nothing was changed") as raised:
            await stall.trade(reserve("h1"))
        assert (raised.value.code, raised.value.temporary) == ("engine", True)
        assert "\n" not in raised.value.message
        await client.aclose()


async def test_a_library_lost_by_flushing_everything_is_loaded_again(client: Redis) -> None:
    await Stall(client).open()
    await ask(client, "FLUSHALL")
    await ask(client, "FUNCTION", "FLUSH")
    stall = await Stall(client).open()
    await stall.granted(reserve("h1"))


async def test_a_connection_that_is_refused_is_away(tmp_path: Path) -> None:
    shows = Shows(connect(f"unix://{tmp_path}/engine.sock"), keys)
    with pytest.raises(EngineAway):
        await shows.trade("friday", [reserve("h1")], 5)


INFO_OF_DEBIANS_7_0: dict[str, Any] = {
    "redis_version": "7.0.15",
    "redis_git_sha1": 0,
    "redis_git_dirty": 0,
    "redis_build_id": "62c66a7aee6e85c8",
    "redis_mode": "standalone",
    "os": "Linux 6.1.0-37-amd64 x86_64",
    "arch_bits": 64,
    "multiplexing_api": "epoll",
    "run_id": "0a4e0c5a8b1f1f0f5e9f3c0b9b4b0a3a9d6c1e2f",
    "cluster_enabled": 0,
    "maxmemory_policy": "noeviction",
    "aof_enabled": 1,
    "role": "master",
}


class OldEngine:
    async def execute_command(self, *command: str) -> Any:
        assert command[0] == "INFO"
        return INFO_OF_DEBIANS_7_0


async def test_debians_redis_7_0_is_refused_by_what_it_says_of_itself() -> None:
    double: Any = OldEngine()
    with pytest.raises(EngineUnfit) as raised:
        await examine(double)
    assert raised.value.message == "the engine is Redis 7.0.15: dropcast needs 7.2 or newer"


def version_of(program: Path) -> str:
    if not program.exists():
        return ""
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return told.split("v=")[-1].split()[0]


@pytest.mark.skipif(
    not version_of(OLD_REDIS).startswith("7.0."), reason="Debian's Redis 7.0 is not installed"
)
async def test_debians_redis_7_0_itself_is_refused(tmp_path: Path) -> None:
    # Too old for our functions as well, so that it is started by hand.
    path = tmp_path / "old.sock"
    process = subprocess.Popen(  # noqa: ASYNC220
        [OLD_REDIS, "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    client = connect(f"unix://{path}")
    try:
        await wait_until(path.exists)
        with pytest.raises(EngineUnfit, match=r"Redis 7\.0\.\d+: dropcast needs 7\.2 or newer"):
            await examine(client)
    finally:
        await client.aclose()
        process.terminate()
        process.wait()
