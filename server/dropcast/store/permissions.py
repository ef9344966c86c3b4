"""Whether the engine's user may do all that dropcast does, asked by library.py before anybody works with the engine.

A user of an access control list (ACL) may lack commands, keys or channels. Then a function would fail in the middle,
after it has written. So an engine function is asked which commands it could not run, for itself and for the commands
that Python sends, which stand here. It runs none of them: a full or misconfigured engine is no reason to refuse.
"""

import asyncio
from collections.abc import Iterable, Sequence

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from dropcast.domain.faults import EngineFault, EngineUnfit
from dropcast.store.answers import PermissionsAnswer, raise_refusal
from dropcast.store.connection import REPLY_TIMEOUT_S, ask, engine_faults
from dropcast.store.keys import SHOW_KEYS, Keys

Command = tuple[str | int, ...]

OPTIONAL = {
    "CONFIG GET": "without it nobody can tell whether every write reaches the disk, which is a warning",
    "FUNCTION STATS": "without it an engine that has no Functions is found by the next command",
    "FUNCTION LOAD": "without it an administrator loads the functions",
    "SET": "one server at a time loads the functions",
    "DEL": "one server at a time loads the functions",
}
"""Commands that a user may lack, and why."""

_SHOW = "any"
_ANSWER = msgspec.msgpack.Decoder(PermissionsAnswer)


def commands_sent(keys: Keys) -> tuple[Command, ...]:
    """Return every command that Python sends, each on the keys that it is sent for.

    SSUBSCRIBE and what is OPTIONAL are left out: the former is tried.
    """
    of_show = keys.all_of_show(_SHOW)
    meta, holds, due, orders, events, journal = (
        of_show[SHOW_KEYS.index(name)] for name in ("meta", "holds", "due", "orders", "events", "journal")
    )
    imported, imported_order = keys.imported("any")
    return (
        ("PING",),
        ("INFO", "server"),
        ("FCALL", "dropcast_trade", len(of_show), *of_show),
        ("FCALL", "dropcast_lease", 1, keys.lease("any")),
        ("ZADD", keys.shows, 0, "member"),
        ("ZRANGE", keys.shows, 0, -1),
        ("HMGET", meta, "field"),
        ("HGET", holds, "field"),
        ("ZCARD", due),
        ("ZSCAN", due, 0),
        ("HSCAN", orders, 0),
        ("XRANGE", events, "-", "+"),
        ("XRANGE", journal, "-", "+"),
        ("MULTI",),
        ("EXEC",),
        ("HSET", keys.products, "field", "value"),
        ("HGET", keys.products, "field"),
        ("HMGET", keys.products, "field"),
        ("ZADD", keys.product_order, 0, "member"),
        ("ZRANGE", keys.product_order, 0, -1),
        ("HSCAN", keys.products, 0),
        ("WATCH", keys.products, keys.product_order),
        ("UNWATCH",),
        ("HSET", imported, "field", "value"),
        ("ZADD", imported_order, 0, "member"),
        ("EXISTS", imported, imported_order),
        ("WATCH", imported, imported_order),
        ("PEXPIRE", imported, 1),
        ("RENAME", imported, keys.products),
        ("PERSIST", keys.products),
        ("UNLINK", imported),
        ("SUNSUBSCRIBE", keys.channel(_SHOW)),
    )


async def check(client: Redis, keys: Keys) -> None:
    """Raise EngineUnfit, with all that is missing, unless the client's user may do what dropcast does."""
    lacking = await _refused(client, keys)
    try:
        await _subscribe(client, keys.channel(_SHOW))
    except EngineFault as fault:
        if not isinstance(fault.__cause__, ResponseError):
            raise
        is_channel = "permissions to access" in str(fault.__cause__)
        lacking.append((("SSUBSCRIBE",), "channel" if is_channel else "command"))
    if lacking:
        raise EngineUnfit(
            f"the engine's user {user_of(client)} lacks permissions: {_in_words(lacking, keys)} "
            "(docs/engine.md has all that it needs)"
        )


def user_of(client: Redis) -> str:
    """Return the name of the user that the client is to the engine."""
    return str(client.connection_pool.connection_kwargs.get("username") or "default")


async def _refused(client: Redis, keys: Keys) -> list[tuple[Sequence[str | int], str]]:
    commands = msgspec.msgpack.encode(commands_sent(keys))
    key, channel = keys.of_show(_SHOW, "meta"), keys.channel(_SHOW)
    answer = await ask(client, "FCALL", "dropcast_permissions", 0, key, channel, commands)
    raise_refusal(answer)
    return list(_ANSWER.decode(answer).refused)


async def _subscribe(client: Redis, channel: str) -> None:
    """Subscribe as the tail does, and wait until the engine confirms it."""
    pubsub = client.pubsub()
    try:
        with engine_faults():
            # A time limit of get_message itself would end in None, as if it were confirmed.
            async with asyncio.timeout(REPLY_TIMEOUT_S):
                await pubsub.execute_command("SSUBSCRIBE", channel)
                await pubsub.get_message(timeout=None)
    finally:
        await pubsub.aclose()  # type: ignore[no-untyped-call]


def _in_words(lacking: Iterable[tuple[Sequence[str | int], str]], keys: Keys) -> str:
    """Return what is missing as an ACL spells it: +hset ~shop:* &shop:*."""
    patterns = {"key": f"~{keys.prefix}:*", "channel": f"&{keys.prefix}:*"}
    words = [patterns.get(kind) or f"+{str(command[0]).lower()}" for command, kind in lacking]
    return " ".join(sorted(set(words)))
