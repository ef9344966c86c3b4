"""A server inside a program: real workers, a real engine, and nothing left when the block ends."""

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from dropcast.domain.faults import EngineFault, Fault
from dropcast.edge.tokens import mint
from dropcast.settings import Settings, SettingsError
from dropcast.store.connection import ask, connect
from dropcast.store.embedded import EmbeddedEngine, socket_path
from dropcast.store.keys import Keys
from dropcast.supervisor import Running, StartFault, open_engine
from tests.support.engine import a_show
from tests.support.processes import is_alive
from tests.support.wait import wait_until

DEADLINE_S = 30.0


def settings_for(data_dir: Path, **changes: Any) -> Settings:
    return Settings(**{"port": 0, "data_dir": str(data_dir), "log_level": "warning", **changes})


def http(running: Running) -> httpx.AsyncClient:
    token = mint(running.secret, running.settings, "olga", "operator", 600)
    headers = {"authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=running.url, headers=headers, trust_env=False, timeout=DEADLINE_S)


async def is_ready(running: Running) -> bool:
    async with http(running) as client:
        return (await client.get("/readyz")).status_code == 200


def assert_nothing_left(data_dir: Path, pids: dict[str, int]) -> None:
    assert {name for name, pid in pids.items() if is_alive(pid)} == set()
    assert not (data_dir / "engine.lock").exists()
    assert not socket_path(data_dir).exists()


async def test_the_block_begins_when_every_worker_answers_and_leaves_nothing(tmp_path: Path) -> None:
    async with Running(settings_for(tmp_path, workers=2)) as running:
        pids = running.pids
        assert set(pids) == {"engine", "w0", "w1"}
        assert all(is_alive(pid) for pid in pids.values())
        assert await is_ready(running)
    assert_nothing_left(tmp_path, pids)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port))


async def test_what_was_sold_to_the_disk_is_there_after_a_restart(tmp_path: Path) -> None:
    async with Running(settings_for(tmp_path)) as running, http(running) as client:
        body = {"id": "friday", "title": "Friday", "currency": "EUR"}
        assert (await client.post("/v1/shows", json=body)).status_code == 201
        secret = running.secret
    async with Running(settings_for(tmp_path)) as running, http(running) as client:
        assert running.secret == secret
        assert [show["id"] for show in (await client.get("/v1/shows")).json()["items"]] == ["friday"]


async def test_a_killed_worker_is_replaced_and_no_connect_is_refused_meanwhile(tmp_path: Path) -> None:
    said: list[str] = []
    async with Running(settings_for(tmp_path), say=said.append) as running, http(running) as client:
        dead = running.pids["w0"]
        os.kill(dead, signal.SIGKILL)
        await wait_until(lambda: not is_alive(dead))
        # Nobody accepts now: the connect waits in the socket that the successor inherits.
        assert (await client.get("/healthz")).status_code == 200
        assert running.pids["w0"] != dead
    assert any("worker w0 was ended by SIGKILL" in line for line in said)


async def test_a_killed_engine_is_started_again_with_all_that_it_held(tmp_path: Path) -> None:
    said: list[str] = []
    async with Running(settings_for(tmp_path), say=said.append) as running, http(running) as client:
        await client.post("/v1/shows", json={"id": "friday", "title": "Friday", "currency": "EUR"})
        workers, dead = running.pids["w0"], running.pids["engine"]
        os.kill(dead, signal.SIGKILL)
        await wait_until(lambda: any("the engine was ended by SIGKILL" in line for line in said))
        await wait_until(lambda: is_ready(running), timeout_s=DEADLINE_S)
        assert (await client.get("/v1/shows/friday")).json()["title"] == "Friday"
        assert running.pids["engine"] != dead
        assert running.pids["w0"] == workers
        pids = running.pids
    assert_nothing_left(tmp_path, pids)


async def test_a_worker_that_never_comes_up_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dropcast.supervisor.process.sys.executable", "/bin/false")
    with pytest.raises(StartFault, match="worker w0 ended with status 1"):
        async with Running(settings_for(tmp_path)):
            pytest.fail("it must not begin")
    assert_nothing_left(tmp_path, {})


async def test_a_worker_that_cannot_be_started_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dropcast.supervisor.process.sys.executable", str(tmp_path / "missing"))
    with pytest.raises(StartFault, match="w0 could not be started"):
        async with Running(settings_for(tmp_path)):
            pytest.fail("it must not begin")
    assert_nothing_left(tmp_path, {})


async def test_a_file_in_the_current_directory_does_not_get_into_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets.py").write_text("raise RuntimeError('not a module of ours')")
    monkeypatch.chdir(tmp_path)
    async with Running(settings_for(tmp_path / "data")) as running:
        assert await is_ready(running)


async def test_a_port_that_is_taken_is_refused_also_when_its_owner_would_share_it(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(SettingsError, match="cannot listen there"):
            async with Running(settings_for(tmp_path, port=other.getsockname()[1])):
                pytest.fail("it must not begin")


async def test_a_data_directory_in_use_is_refused(tmp_path: Path) -> None:
    async with Running(settings_for(tmp_path)) as running:
        with pytest.raises(Fault, match="in use"):
            async with Running(settings_for(tmp_path)):
                pytest.fail("it must not begin")
        assert await is_ready(running)


async def test_a_block_that_is_cancelled_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    running = Running(settings_for(tmp_path))
    task = asyncio.create_task(running.__aenter__())
    await wait_until(lambda: (tmp_path / "engine.lock").exists())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert_nothing_left(tmp_path, running.pids)


async def test_a_failure_inside_the_block_passes_and_stops_the_server(tmp_path: Path) -> None:
    pids: dict[str, int] = {}

    async def fail() -> None:
        async with Running(settings_for(tmp_path)) as running:
            pids.update(running.pids)
            raise KeyError("the test's own")

    with pytest.raises(KeyError):
        await fail()
    assert len(pids) == 2
    assert_nothing_left(tmp_path, pids)


@pytest.mark.usefixtures("client")  # an engine as no other test has left it
async def test_a_running_engine_is_used_and_left_running(tmp_path: Path, engine: EmbeddedEngine) -> None:
    async with Running(settings_for(tmp_path, redis_url=engine.url)) as running:
        assert set(running.pids) == {"w0"}
        assert await is_ready(running)
    assert engine.poll() is None
    assert (tmp_path / "secret").exists()
    assert not (tmp_path / "engine.lock").exists()


async def test_an_engine_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineFault, match="does not answer"):
        async with Running(settings_for(tmp_path, redis_url=f"unix://{tmp_path}/nobody.sock")):
            pytest.fail("it must not begin")


async def test_the_embedded_engine_gets_the_settings_that_are_its_own(tmp_path: Path) -> None:
    """Of a server as of a command of one shot; the shows of its prefix are adopted when it starts again."""
    settings = settings_for(tmp_path, engine_memory_bytes_max=234_567_890, prefix="shop")

    async def bound(url: str) -> str:
        async with connect(url) as client:
            return str((await ask(client, "CONFIG GET", "maxmemory"))["maxmemory"])

    async with Running(settings) as running:
        assert await bound(running.engine_url) == "234567890"
        async with open_engine(settings) as joined:
            await joined.shows.schedule(a_show())
            before = await joined.shows.read("friday")
    async with open_engine(settings) as opened:
        assert await bound(opened.url) == "234567890"
        assert (await opened.shows.read("friday")).epoch == before.epoch
        assert await ask(opened.client, "EXISTS", Keys("shop").of_show("friday", "meta")) == 1


async def test_a_command_joins_the_engine_that_runs(tmp_path: Path) -> None:
    async with Running(settings_for(tmp_path)) as running:
        pid = running.pids["engine"]
        async with open_engine(settings_for(tmp_path)) as joined:
            assert joined.url == running.engine_url
            await joined.shows.ping()
        assert is_alive(pid)


async def test_a_command_without_a_server_has_an_engine_for_its_time(tmp_path: Path) -> None:
    async with open_engine(settings_for(tmp_path)) as opened:
        await opened.shows.ping()
        assert opened.warnings == []
    assert_nothing_left(tmp_path, {})
