"""The client to the engine: how it is made, what its failures mean, and whether the engine is fit.

Everything in store/ talks to the engine through a client from `connect`, inside `engine_faults`. The client
never repeats a command by itself: a write whose reply was lost may have happened.
"""

import asyncio
import contextlib
import re
from collections.abc import Iterator
from typing import Any, Protocol

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ConnectionError,
    ExecAbortError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
)
from redis.maint_notifications import MaintNotificationsConfig

from dropcast.domain.faults import EngineAway, EngineFault, EngineFull, EngineUnfit

CONNECTIONS_MAX = 64
CONNECT_TIMEOUT_S = 5.0
REPLY_TIMEOUT_S = 15.0
"""Longer than a slow disk's fsync, shorter than a buyer's patience."""
OLDEST = (7, 2)


class Pool(BlockingConnectionPool):
    """The client's connections, and those that somebody keeps to themselves: all are closed with the client."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept: set[AbstractConnection] = set()

    def keep(self) -> AbstractConnection:
        """Return a connection of the caller's own, which counts for no limit. `open` connects it.

        It knows no time limit, which would cost a task for each command: the caller reads within a limit of their own,
        and drops the connection when that has passed.
        """
        made: AbstractConnection = self.connection_class(**{**self.connection_kwargs, "socket_timeout": None})
        self._kept.add(made)
        return made

    async def open(self, connection: AbstractConnection) -> None:
        """Connect a connection that was kept, unless it is there still and nothing is under way on it."""
        with contextlib.suppress(ConnectionError, OSError):
            if connection.is_connected and not await connection.can_read():
                return
        async with asyncio.timeout(REPLY_TIMEOUT_S):
            await connection.disconnect()
            await connection.connect()  # type: ignore[no-untyped-call]

    async def drop(self, connection: AbstractConnection) -> None:
        """End a connection that was kept, at once: also for whoever is sending on it."""
        self._kept.discard(connection)
        if connection._writer is not None:
            connection._writer.transport.abort()
        await connection.disconnect(nowait=True)

    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        while self._kept:
            await self._kept.pop().disconnect()


def connect(url: str, *, connections_max: int = CONNECTIONS_MAX) -> Redis:
    """Return a client to the engine at `url`: unix://, redis:// or rediss://. No connection is made yet."""
    try:
        pool = Pool.from_url(
            url,
            max_connections=connections_max,
            timeout=REPLY_TIMEOUT_S,
            protocol=3,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=REPLY_TIMEOUT_S,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
    except ValueError as error:
        raise EngineUnfit(f"the engine's address is not usable: {error}") from error
    return Redis.from_pool(pool)


@contextlib.contextmanager
def engine_faults() -> Iterator[None]:
    """Turn failures of the client into faults of the domain, and keep a cancellation from getting lost."""
    cancelled_before = _times_cancelled()
    try:
        yield
        # Until Python 3.12 asyncio.wait_for, by which the client sends, swallows a cancellation that comes as the
        # sending ends: whoever cancelled the task would wait for ever.
        if _times_cancelled() > cancelled_before:
            raise asyncio.CancelledError
    except (AuthenticationError, AuthorizationError) as error:
        raise EngineUnfit(f"the engine refuses the credentials: {error}") from error
    except (ConnectionError, TimeoutError, OSError) as error:
        # What the engine says while a connection is made comes as the cause of a lost connection.
        if isinstance(error.__cause__, AuthenticationError):
            raise EngineUnfit(f"the engine refuses the credentials: {error}") from error
        if isinstance(error.__cause__, NoPermissionError):
            raise EngineUnfit(f"the engine's user lacks a permission: {error}") from error
        raise EngineAway(f"the engine does not answer: {error or type(error).__name__}") from error
    except OutOfMemoryError as error:
        raise EngineFull("the engine's memory is full") from error
    except ReadOnlyError as error:
        raise EngineAway("the engine takes no writes: it has become a replica") from error
    except ExecAbortError as error:
        if _is_out_of_memory(error):
            raise EngineFull("the engine's memory is full") from error
        raise EngineFault(f"the engine failed: {error}") from error
    except NoPermissionError as error:
        raise EngineUnfit(f"the engine's user lacks a permission: {error}") from error
    except RedisError as error:
        if "ACL failure in script" in str(error):
            raise EngineUnfit(f"the engine's user lacks a permission: {error}") from error
        if str(error).startswith("MISCONF"):
            raise EngineFault(f"the engine cannot write to its disk, nothing was changed: {error}") from error
        raise EngineFault(f"the engine failed: {error}") from error


def _times_cancelled() -> int:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return 0
    return task.cancelling() if task is not None else 0


def _is_out_of_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OutOfMemoryError) or "OOM " in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


class Asked(Protocol):
    """Who takes a command to the engine: a client, or a lane."""

    async def execute_command(self, *command: Any) -> Any: ...


async def ask(client: Asked, *command: str | int | bytes) -> Any:
    """Return the engine's answer to one command. Raises EngineFault; a failed command is its cause."""
    with engine_faults():
        return await client.execute_command(*command)


async def ping(client: Redis) -> None:
    """Raise EngineFault unless the engine answers."""
    await ask(client, "PING")


async def examine(client: Redis, *, accept_lost_sales: bool = False) -> list[str]:
    """Return warnings about how the engine is configured. Raises EngineUnfit when dropcast cannot work with it.

    `accept_lost_sales`: the setting; for commands that sell nothing, true.
    """
    info: dict[str, Any] = {}
    for section in ("server", "cluster", "memory", "persistence", "replication"):
        info |= await ask(client, "INFO", section)
    _refuse_version(info)
    _refuse_mode(info)
    if not accept_lost_sales and info.get("aof_enabled") == 0:
        raise EngineUnfit(
            "the engine has no append-only file, a crash would lose holds and orders: "
            "set appendonly yes there, or accept_lost_sales here (--accept-lost-sales)"
        )
    try:
        await ask(client, "FUNCTION", "STATS")
    except EngineFault as fault:
        if isinstance(fault.__cause__, NoPermissionError):
            pass  # the functions may be there all the same, loaded by somebody else
        elif isinstance(fault.__cause__, ResponseError):
            raise EngineUnfit(f"the engine has no Functions: {fault.__cause__}") from fault
        else:
            raise
    return await _warnings(client, info)


def _refuse_version(info: dict[str, Any]) -> None:
    # Valkey tells the last Redis version that it was compatible with as redis_version.
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = str(info.get("valkey_version") or info.get("redis_version") or "unknown")
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST:
        raise EngineUnfit(f"the engine is {name} {version}: dropcast needs 7.2 or newer")


def _refuse_mode(info: dict[str, Any]) -> None:
    if info.get("redis_mode", info.get("server_mode")) == "sentinel":
        raise EngineUnfit("the engine's address is a sentinel's: name the server itself")
    if info.get("cluster_enabled"):
        raise EngineUnfit("the engine is a cluster: dropcast does not work with one yet")
    if info.get("role") == "slave":
        raise EngineUnfit("the engine is a replica: name its primary")
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        raise EngineUnfit(f"the engine evicts keys (maxmemory-policy {policy}): set it to noeviction")


async def _warnings(client: Redis, info: dict[str, Any]) -> list[str]:
    warnings = [await _durability(client, info)]
    if info.get("maxmemory") == 0:
        warnings.append(
            "the engine has no maxmemory: the system may kill it when the machine's memory is full "
            "(set maxmemory below that; at the bound it refuses, and loses nothing)"
        )
    elif info.get("maxmemory") and int(info.get("used_memory", 0)) >= int(info["maxmemory"]):
        warnings.append(
            f"the engine's memory is full: it takes {info['used_memory']} bytes, and its bound is "
            f"{info['maxmemory']} (maxmemory, or --engine-memory-bytes-max of the embedded engine)"
        )
    return [warning for warning in warnings if warning]


async def _durability(client: Redis, info: dict[str, Any]) -> str:
    """Return a warning when the engine may lose what it has answered, or does not tell; otherwise nothing."""
    enabled = info.get("aof_enabled")
    if enabled == 0:
        return "the engine has no append-only file: a crash loses holds and orders (set appendonly yes)"
    try:
        found = await ask(client, "CONFIG GET", "appendfsync")
    except EngineFault as fault:
        if not isinstance(fault.__cause__, ResponseError):
            raise
        found = {}
    fsync = found.get("appendfsync")
    if enabled is None or fsync is None:
        return "the engine hides its configuration: whether every write reaches the disk is unknown"
    if fsync != "always":
        return f"the engine's appendfsync is {fsync}, not always: a power cut loses the last sales"
    return ""
