"""An engine that cannot write: the error says so, the worker lives, and nothing that was answered is lost."""

import asyncio
import json
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from dropcast.store.connection import connect
from dropcast.store.shows import Shows
from tests.support.house import House
from tests.support.keys import keys
from tests.support.processes import children_of, workers_of
from tests.support.raw import Raw, live
from tests.support.server import SECRET, Server
from tests.support.wait import wait_until


@asynccontextmanager
async def engine_of(server: Server) -> AsyncIterator[Redis]:
    (path,) = server.data_dir.glob("**/*.sock")
    client = connect(f"unix://{path}")
    try:
        yield client
    finally:
        await client.aclose()


async def held(raw: Raw, show: str, drop: str, key: str) -> dict[str, object]:
    reserve = {
        "type": "reserve",
        "id": 3,
        "show": show,
        "drop": drop,
        "sku": "SCARF-RED",
        "qty": 1,
        "key": key,
    }
    return await raw.ask(reserve)


async def is_held(raw: Raw, show: str, drop: str, key: str) -> bool:
    await asyncio.sleep(0.1)  # less often than viewers may ask
    return (await held(raw, show, drop, key))["type"] == "held"


@pytest.mark.parametrize(
    ("trouble", "cure", "code"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "engine_full"),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "engine_away"),
    ],
    ids=["out of memory", "read-only"],
)
async def test_an_engine_that_takes_no_writes_is_told_and_nothing_is_lost(
    tmp_path_factory: pytest.TempPathFactory, trouble: tuple[str, ...], cure: tuple[str, ...], code: str
) -> None:
    server = await asyncio.to_thread(Server, tmp_path_factory.mktemp("engine"), workers=1)
    try:
        house = House(server.settings, server.port, SECRET)
        await house.import_catalogue()
        show = await house.live_show()
        drop = await house.drop(show, {"SCARF-RED": 3})
        async with engine_of(server) as engine, live(house.port, hello={"token": house.token("ana")}) as raw:
            assert (await held(raw, show, drop, "a"))["type"] == "held"
            await engine.execute_command(*trouble)  # type: ignore[no-untyped-call]
            answer = await held(raw, show, drop, "b")
            assert (answer["code"], answer["temporary"]) == (code, True), json.dumps(answer)
            await engine.execute_command(*cure)  # type: ignore[no-untyped-call]
            # Whoever has followed another engine goes on with another history: sales wait for an operator.
            await Shows(engine, keys).thaw(show)
            await wait_until(lambda: is_held(raw, show, drop, "b"))
        assert await asyncio.to_thread(server.audit) == "ok"
    finally:
        assert await asyncio.to_thread(server.stop) == 0
    assert "Traceback" not in "".join(server.lines)


async def test_a_full_data_directory_ends_the_engine_and_nothing_that_was_answered_is_lost(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    server = await asyncio.to_thread(Server, tmp_path_factory.mktemp("full"), workers=1)
    try:
        house = House(server.settings, server.port, SECRET)
        await house.import_catalogue()
        show = await house.live_show()
        drop = await house.drop(show, {"SCARF-RED": 3})
        async with live(house.port, hello={"token": house.token("ana")}) as raw:
            assert (await held(raw, show, drop, "a"))["type"] == "held"
            (engine,) = children_of(server.process.pid) - set(workers_of(server.process.pid))
            # No file of its may grow any more: to the engine that is a disk without room.
            resource.prlimit(engine, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
            answer = await held(raw, show, drop, "b")
            assert (answer["code"], answer["temporary"]) == ("engine_away", True), json.dumps(answer)
            # The supervisor starts another one; with room, it goes on.
            await wait_until(lambda: is_held(raw, show, drop, "b"), timeout_s=30)
            assert (await held(raw, show, drop, "a"))["type"] == "held"
        assert await asyncio.to_thread(server.audit) == "ok"
    finally:
        assert await asyncio.to_thread(server.stop) == 0
    assert any("engine" in line and "starts again" in line for line in server.lines), "".join(server.lines)
    assert "Traceback" not in "".join(server.lines)
