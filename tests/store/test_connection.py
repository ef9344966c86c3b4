"""Whether the engine is fit, and what its failures are called."""

import asyncio
from typing import Any

import pytest
from redis import exceptions
from redis.asyncio import Redis

from dropcast.domain.faults import EngineAway, EngineFault, EngineFull, EngineUnfit
from dropcast.store.connection import ask, connect, engine_faults, examine, ping
from dropcast.store.embedded import EmbeddedEngine

FIT: dict[str, Any] = {
    "redis_version": "7.2.4",
    "redis_mode": "standalone",
    "cluster_enabled": 0,
    "maxmemory": 2**30,
    "maxmemory_policy": "noeviction",
    "aof_enabled": 1,
    "role": "master",
}


class EngineOf:
    """A recording double of a client whose engine tells of itself what the test says."""

    def __init__(self, *, fsync: str | Exception = "always", functions: bool = True, **info: Any) -> None:
        self._info = {**FIT, **info}
        self._fsync = fsync
        self._functions = functions

    async def execute_command(self, *command: str) -> Any:
        match command:
            case ("INFO", _):
                return self._info
            case ("FUNCTION", "STATS"):
                if not self._functions:
                    raise exceptions.ResponseError("unknown command 'FUNCTION'")
                return {}
            case ("CONFIG GET", "appendfsync"):
                if isinstance(self._fsync, Exception):
                    raise self._fsync
                return {"appendfsync": self._fsync}
        raise AssertionError(command)


async def examined(*, accept_lost_sales: bool = False, **engine: Any) -> list[str]:
    double: Any = EngineOf(**engine)
    return await examine(double, accept_lost_sales=accept_lost_sales)


async def test_the_embedded_engine_is_fit(client: Redis) -> None:
    assert await examine(client) == []


@pytest.mark.parametrize(
    ("engine", "sentence"),
    [
        ({"redis_version": "7.0.15"}, "Redis 7.0.15: dropcast needs 7.2"),
        ({"redis_version": "6.2.0"}, "Redis 6.2.0"),
        ({"valkey_version": "7.1.0"}, "Valkey 7.1.0"),
        ({"functions": False}, "no Functions"),
        ({"cluster_enabled": 1}, "cluster"),
        ({"redis_mode": "sentinel"}, "sentinel"),
        ({"role": "slave"}, "replica"),
        ({"maxmemory_policy": "allkeys-lru"}, "allkeys-lru"),
        ({"maxmemory_policy": "volatile-ttl"}, "noeviction"),
        ({"aof_enabled": 0}, "set appendonly yes there, or accept_lost_sales here"),
    ],
)
async def test_an_unfit_engine_is_refused_in_one_line(engine: dict[str, Any], sentence: str) -> None:
    with pytest.raises(EngineUnfit, match=sentence) as raised:
        await examined(**engine)
    assert "\n" not in raised.value.message


@pytest.mark.parametrize(
    "engine", [{"redis_version": "7.2.0"}, {"redis_version": "8.6"}, {"valkey_version": "10.0.1"}]
)
async def test_newer_engines_are_fit(engine: dict[str, Any]) -> None:
    assert await examined(**engine) == []


@pytest.mark.parametrize(
    ("engine", "sentence"),
    [
        ({"aof_enabled": 0, "accept_lost_sales": True}, "no append-only file"),
        ({"aof_enabled": None}, "hides its configuration"),
        ({"aof_enabled": None, "accept_lost_sales": True}, "hides its configuration"),
        ({"maxmemory": 0}, "no maxmemory"),
        ({"maxmemory": 1_000, "used_memory": 1_000}, "it takes 1000 bytes, and its bound is 1000"),
        ({"fsync": "everysec"}, "everysec, not always"),
        ({"fsync": exceptions.NoPermissionError("no")}, "hides its configuration"),
    ],
)
async def test_an_engine_that_may_lose_sales_is_warned_of(engine: dict[str, Any], sentence: str) -> None:
    (warning,) = await examined(**engine)
    assert sentence in warning


async def test_an_engine_that_tells_nothing_of_its_memory_is_not_warned_of() -> None:
    assert await examined(maxmemory=None) == []


async def test_an_engine_that_lost_its_append_only_file_is_refused_for_real(client: Redis) -> None:
    await ask(client, "CONFIG", "SET", "appendonly", "no")
    try:
        with pytest.raises(EngineUnfit, match="no append-only file"):
            await examine(client)
        assert len(await examine(client, accept_lost_sales=True)) == 1
    finally:
        await ask(client, "CONFIG", "SET", "appendonly", "yes")


async def test_an_engine_that_evicts_is_refused_for_real(client: Redis) -> None:
    await ask(client, "CONFIG", "SET", "maxmemory-policy", "allkeys-random")
    try:
        with pytest.raises(EngineUnfit, match="allkeys-random"):
            await examine(client)
    finally:
        await ask(client, "CONFIG", "SET", "maxmemory-policy", "noeviction")


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (exceptions.ConnectionError("gone"), EngineAway),
        (exceptions.TimeoutError("slow"), EngineAway),
        (exceptions.BusyLoadingError("loading"), EngineAway),
        (exceptions.MaxConnectionsError("many"), EngineAway),
        (ConnectionResetError(), EngineAway),
        (TimeoutError(), EngineAway),
        (exceptions.OutOfMemoryError("full"), EngineFull),
        (exceptions.ExecAbortError("OOM command not allowed"), EngineFull),
        (exceptions.ExecAbortError("previous errors"), EngineFault),
        (exceptions.AuthenticationError("who are you"), EngineUnfit),
        (exceptions.ReadOnlyError("replica"), EngineAway),
        (exceptions.ResponseError("MISCONF disk"), EngineFault),
        (exceptions.NoPermissionError("User bob has no permissions to run the 'info' command"), EngineUnfit),
        (exceptions.ResponseError("ACL failure in script: No permissions to access a key"), EngineUnfit),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_every_failure_of_the_client_is_a_fault(error: Exception, fault: type[EngineFault]) -> None:
    with pytest.raises(EngineFault) as raised, engine_faults():
        raise error
    assert type(raised.value) is fault
    assert raised.value.__cause__ is error
    assert raised.value.message


def test_what_is_not_the_engines_passes() -> None:
    with pytest.raises(KeyError), engine_faults():
        raise KeyError("mine")


async def test_a_cancellation_that_the_client_swallowed_is_not_lost() -> None:
    started = asyncio.Event()

    async def swallow() -> None:
        with engine_faults():
            try:
                started.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                pass

    task = asyncio.create_task(swallow())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_engine_that_is_not_there_is_away() -> None:
    for url in ("unix:///nowhere/engine.sock", "redis://127.0.0.1:1"):
        client = connect(url)
        with pytest.raises(EngineAway):
            await ping(client)
        await client.aclose()


@pytest.mark.parametrize("url", ["http://example.org", "engine.sock", "redis://host:port"])
def test_an_address_that_is_none_is_unfit(url: str) -> None:
    with pytest.raises(EngineUnfit, match="address"):
        connect(url)


async def test_a_command_is_never_repeated_by_the_client(engine: EmbeddedEngine, client: Redis) -> None:
    other = connect(engine.url, connections_max=1)
    number = await ask(other, "CLIENT", "ID")
    await ask(client, "CLIENT", "KILL", "ID", number)
    # Either the client noticed that the connection is gone and made another one, or it failed: not both.
    try:
        await ask(other, "INCR", "counter")
    except EngineAway:
        assert await ask(client, "GET", "counter") is None
    else:
        assert await ask(client, "GET", "counter") == b"1"
    await ask(client, "DEL", "counter")
    await other.aclose()
