"""After an end of the engine that nobody can vouch for, an operator is told what to do, and that is enough to go on."""

import asyncio
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import httpx
from click.testing import CliRunner, Result

from dropcast.cli import main
from dropcast.settings import ENV_PREFIX
from tests.metrics.test_served import free_port
from tests.support import exposition
from tests.support.external_engine import ExternalEngine
from tests.support.house import House
from tests.support.processes import children_of, is_alive
from tests.support.raw import live
from tests.support.server import SECRET, Server
from tests.support.wait import wait_until

CURE = "then let sales go on by: "
ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}


async def dropcast(*words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, main, words)


def paste(command: str) -> str:
    """Run a command as an operator does who pastes it; return what it prints."""
    name, *words = shlex.split(command)
    assert name == "dropcast"
    command_line = [sys.executable, "-m", "dropcast", *words]
    return subprocess.run(command_line, capture_output=True, text=True, env=ENVIRON, timeout=60).stdout


def told(server: Server) -> list[str]:
    return [line for line in server.lines if "sales are frozen" in line]


async def reserve(house: House, show: str, drop: str, key: str) -> dict[str, object]:
    async with live(house.port, hello={"token": house.token(f"viewer-{key}")}) as raw:
        return await raw.ask(
            {"type": "reserve", "id": 3, "show": show, "drop": drop, "sku": "MUG", "qty": 1, "key": key}
        )


async def metrics(port: int) -> exposition.Page:
    async with httpx.AsyncClient(trust_env=False) as http:
        return exposition.read((await http.get(f"http://127.0.0.1:{port}/metrics")).text)


async def check_told_and_cured(server: Server, house: House, show: str, drop: str, flags: list[str]) -> None:
    (line,) = await wait_until(lambda: told(server), timeout_s=20)
    answer = await reserve(house, show, drop, "while frozen")
    assert (answer["type"], answer["reason"]) == ("refused", "frozen")
    cure = line.split(CURE)[1].split(" [")[0].strip()
    assert shlex.split(cure) == ["dropcast", "thaw", show, *flags]

    (listed,) = json.loads((await dropcast("shows", "--json", *flags)).stdout)
    assert listed["show"]["frozen"] == "lost_history"
    table = await dropcast("shows", *flags)
    assert " live    lost history  2" in table.stdout
    assert cure in table.stderr
    audited = await dropcast("audit", *flags)
    assert (audited.exit_code, audited.stdout) == (0, "ok\n")
    note = f"Note: show {show}: sales are frozen (history was lost); they go on by: {cure}\n"
    assert audited.stderr == note

    done = await asyncio.to_thread(paste, cure)
    assert done == f"The sales of {show} go on; they were frozen (history was lost).\n"
    assert (await reserve(house, show, drop, "after"))["type"] == "held"
    assert (await dropcast("thaw", show, *flags)).stdout == f"The sales of {show} were not frozen.\n"
    assert len(told(server)) == 1


async def test_after_a_kill_of_the_supervisor_and_its_engine(tmp_path: Path) -> None:
    data_dir = tmp_path / "my shop"
    server = await asyncio.to_thread(Server, data_dir, workers=2)
    house = House(server.settings, server.port, SECRET)
    await house.import_catalogue()
    show = await house.live_show()
    drop = await house.drop(show, {"MUG": 5}, product="mug")
    assert (await reserve(house, show, drop, "before"))["type"] == "held"
    pids = children_of(server.process.pid)
    server.process.kill()
    server.process.wait()
    await wait_until(lambda: not any(is_alive(pid) for pid in pids))
    again = await asyncio.to_thread(Server, data_dir, workers=2)
    try:
        # Nobody watches the show, and nobody has asked for anything yet.
        house = House(again.settings, again.port, SECRET)
        await check_told_and_cured(again, house, show, drop, ["--data-dir", str(data_dir)])
    finally:
        assert await asyncio.to_thread(again.stop) == 0


async def test_after_a_kill_of_an_engine_that_runs_by_itself(tmp_path: Path) -> None:
    external = ExternalEngine(tmp_path / "engine")
    server = await asyncio.to_thread(Server, tmp_path / "data", workers=2, redis_url=external.url)
    try:
        house = House(server.settings, server.port, SECRET)
        await house.import_catalogue()
        show = await house.live_show()
        drop = await house.drop(show, {"MUG": 5}, product="mug")
        async with house.client("ana") as ana:
            await ana.subscribe(show).ready()
            external.kill()
            await asyncio.to_thread(external.start)
            await check_told_and_cured(server, house, show, drop, ["--redis-url", external.url])
    finally:
        assert await asyncio.to_thread(server.stop) == 0
        external.kill()


async def test_frozen_shows_are_a_metric_by_reason(tmp_path: Path) -> None:
    port = free_port()
    server = await asyncio.to_thread(Server, tmp_path, workers=1, metrics_port=port)
    try:
        house = House(server.settings, server.port, SECRET)
        show = await house.live_show()
        page = await metrics(port)
        assert page.total("dropcast_shows_frozen", reason="operator") == 0
        flags = ["--data-dir", str(tmp_path)]
        frozen = await dropcast("freeze", show, *flags)
        assert frozen.stdout == f"The sales of {show} are frozen.\n"

        async def is_counted() -> bool:
            page = await metrics(port)
            return page.total("dropcast_shows_frozen", reason="operator") == 1

        await wait_until(is_counted)
        assert page.total("dropcast_shows_frozen", reason="lost_history") == 0
    finally:
        assert await asyncio.to_thread(server.stop, signal.SIGTERM) == 0
