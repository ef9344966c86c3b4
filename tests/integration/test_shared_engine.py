"""Whole servers on an engine that is not theirs: shared with another installation, or by a user of few permissions."""

import asyncio
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from dropcast.cli.audit import audit_show
from dropcast.settings import Settings
from dropcast.store.connection import ask, connect
from dropcast.store.embedded import EmbeddedEngine
from dropcast.supervisor import Running, open_engine
from dropcast.supervisor.engine import prepare
from dropcast_client import Announcement, Held, Sold
from tests.metrics.test_served import free_port
from tests.support import engines
from tests.support.acl import DOCUMENTED
from tests.support.house import CATALOGUE, House
from tests.support.server import SECRET, Server, environ


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    with EmbeddedEngine(tmp_path / "shared", binary=engines.binary()) as engine:
        yield engine


@asynccontextmanager
async def a_server(folder: Path, *, log: str = "", **settings: Any) -> AsyncIterator[House]:
    server = await asyncio.to_thread(Server, folder, workers=1, **settings)
    try:
        yield House(server.settings, server.port, SECRET)
    finally:
        status = await asyncio.to_thread(server.stop)
    told = "".join(server.lines)
    assert status == 0, told
    assert "Traceback" not in told, told
    assert log in told, told


async def command(*arguments: object, stdin: bytes = b"") -> tuple[int, str]:
    """Run `dropcast`; return its status and what it printed, on stderr too."""
    words = [sys.executable, "-m", "dropcast", *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(
        *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environ()
    )
    printed, _ = await process.communicate(stdin)
    assert process.returncode is not None
    return process.returncode, printed.decode()


async def announced_to(house: House, ready: asyncio.Event, last: str) -> list[str]:
    """Watch the show to the announcement `last`; return what was announced."""
    texts: list[str] = []
    async with house.client("ana") as client, asyncio.timeout(30):
        async for event in client.watch("friday"):
            ready.set()
            if isinstance(event, Announcement):
                texts.append(event.text)
                if event.text == last:
                    break
    return texts


async def announce(house: House, text: str) -> None:
    async with house.client("cleo", role="creator") as creator:
        await creator.announce(show="friday", text=text)


async def test_installations_on_one_engine_have_shows_of_one_id_and_hear_nothing_of_each_other(
    tmp_path: Path, shared: EmbeddedEngine
) -> None:
    """Told apart by the prefix alone, and by the database too."""
    urls = {"shop-eu": shared.url, "shop-us": shared.url, "shop-asia": shared.url + "?db=1"}
    async with AsyncExitStack() as stack:
        houses = {}
        for prefix, url in urls.items():
            folder = tmp_path / prefix
            running = Running(Settings(port=0, data_dir=str(folder), redis_url=url, prefix=prefix), say=print)
            await stack.enter_async_context(running)
            houses[prefix] = House(running.settings, running.port, running.secret)
        ready, watching, drops = [], {}, {}
        for prefix, house in houses.items():
            await house.import_catalogue()
            assert await house.live_show(show="friday") == "friday"
            drops[prefix] = await house.drop("friday", {"SCARF-RED": 5})
            ready.append(asyncio.Event())
            watching[prefix] = asyncio.create_task(announced_to(house, ready[-1], f"last of {prefix}"))
        await asyncio.gather(*(event.wait() for event in ready))
        for word in ("one", "two", "last"):
            for prefix, house in houses.items():
                await announce(house, f"{word} of {prefix}")
        for prefix, watched in watching.items():
            assert await watched == [f"{word} of {prefix}" for word in ("one", "two", "last")]
        async with houses["shop-eu"].client("ben") as ben:
            assert isinstance(await ben.reserve(show="friday", drop=drops["shop-eu"], sku="SCARF-RED"), Held)

    for prefix, url in urls.items():
        async with open_engine(Settings(redis_url=url, prefix=prefix)) as engine:
            finding = await audit_show(engine.shows, "friday")
        assert finding.problems == []
        assert finding.totals.held == int(prefix == "shop-eu")
    status, printed = await command("shows", "--redis-url", shared.url, "--prefix", "shop-us", "--json")
    assert status == 0
    assert '"id":"friday"' in printed
    assert await command("shows", "--redis-url", shared.url) == (0, "There are no shows yet.\n")


async def test_another_database_with_the_default_prefix_is_warned_of(shared: EmbeddedEngine) -> None:
    said: list[str] = []
    await prepare(shared.url + "?db=1", Settings(), said.append)
    (warning,) = said
    assert warning.startswith(
        "warning: database 1 does not tell installations apart: channels know no database"
    )
    said.clear()
    for url, prefix in ((shared.url, "dropcast"), (shared.url + "?db=1", "shop")):
        await prepare(url, Settings(prefix=prefix), said.append)
    assert said == []


@asynccontextmanager
async def a_user(engine: EmbeddedEngine, *rules: str) -> AsyncIterator[str]:
    """Give the address of the engine for a user with these permissions and the functions in place."""
    name = "user-" + secrets.token_hex(4)
    client: Redis = connect(engine.url)
    try:
        await ask(client, "ACL", "SETUSER", name, "reset", "on", ">secret", *rules)
        yield engine.url.replace("unix://", f"unix://{name}:secret@")
        # Whatever was refused stands in the log of the list: the client library's own greeting may be, nothing else.
        refused = [entry["object"] for entry in await ask(client, "ACL LOG")]
        assert set(refused) <= {"client|setinfo", "config|get", "function|stats"}, refused
    finally:
        await client.aclose()


async def test_the_least_permissions_are_enough_for_everything(
    tmp_path: Path, shared: EmbeddedEngine
) -> None:
    async with a_user(shared, *DOCUMENTED, "+function|load", "+del") as url:
        await everything(tmp_path, url)


async def everything(tmp_path: Path, url: str) -> None:
    status, printed = await command("import", "-", "--currency", "EUR", "--redis-url", url, stdin=CATALOGUE)
    assert status == 0, printed
    metrics_port = free_port()
    async with a_server(tmp_path / "data", redis_url=url, metrics_port=metrics_port) as house:
        show = await house.live_show()
        drop = await house.drop(show, {"SCARF-RED": 5})
        async with house.client("cleo", role="creator") as cleo:
            await cleo.announce(show=show, text="hello")
        async with house.client("ana") as ana, house.client("ben") as ben:
            hold = await ana.reserve(show=show, drop=drop, sku="SCARF-RED")
            assert isinstance(hold, Held)
            assert isinstance(await ana.checkout(show=show, hold=hold.hold, payment="tok_approve"), Sold)
            second = await ben.reserve(show=show, drop=drop, sku="SCARF-RED")
            assert isinstance(second, Held)
            await ben.release(show=show, hold=second.hold)
        async with httpx.AsyncClient(trust_env=False) as scraper:
            page = (await scraper.get(f"http://127.0.0.1:{metrics_port}/metrics")).text
        assert "dropcast_engine_up 1" in page
        assert "dropcast_holds_open 0" in page
        async with house.http("cleo", "creator") as http:
            for path in ("/v1/shows", f"/v1/shows/{show}", f"/v1/shows/{show}/snapshot", "/v1/products"):
                answer = await http.get(path)
                assert answer.status_code == 200, (path, answer.text)
            assert (await http.post(f"/v1/shows/{show}/end")).status_code == 200
    status, printed = await command("shows", "--redis-url", url, "--json")
    assert status == 0, printed
    assert '"sold":1' in printed
    assert await command("audit", "--redis-url", url) == (0, "ok\n")


async def test_an_engine_without_an_append_only_file_sells_only_when_that_is_accepted(
    tmp_path: Path, shared: EmbeddedEngine
) -> None:
    async with connect(shared.url) as client:
        await ask(client, "CONFIG", "SET", "appendonly", "no")
    status, printed = await command(
        "serve", "--redis-url", shared.url, "--port", 0, "--data-dir", tmp_path / "data"
    )
    assert status == 1
    assert printed.count("\n") == 1
    assert "set appendonly yes there, or accept_lost_sales here" in printed
    assert await command("audit", "--redis-url", shared.url) == (0, "ok\n")
    warning = "warning: the engine has no append-only file: a crash loses holds and orders"
    async with a_server(
        tmp_path / "data", log=warning, redis_url=shared.url, accept_lost_sales=True
    ) as house:
        await house.live_show()
