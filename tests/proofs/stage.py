"""The stage of a proof: a whole server with a catalogue, ways to hurt it, and what the engine has at the end."""

import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from dropcast.domain.ids import drop_id
from dropcast.settings import Settings
from dropcast.store.connection import connect
from dropcast.store.shows import Shows
from dropcast.supervisor import Running
from tests.history.checker import Truth
from tests.support.house import House
from tests.support.keys import keys
from tests.support.processes import is_alive
from tests.support.server import SECRET
from tests.support.wait import wait_until

DEADLINE_S = 60.0
_ALL = 10_000_000


@asynccontextmanager
async def folder() -> AsyncIterator[Path]:
    """A data directory for the duration; short, because a unix socket's path is."""
    with tempfile.TemporaryDirectory(prefix="prove-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@asynccontextmanager
async def a_server(data_dir: Path, **changes: Any) -> AsyncIterator["Stage"]:
    """A server of this process' own on `data_dir`, with the tests' catalogue."""
    values = {
        "port": 0,
        "data_dir": str(data_dir),
        "log_level": "error",
        "jwt_secret": SECRET,
        # A proof does in a minute what people do in a day.
        "viewer_reserves_per_s": 1_000_000,
        "host_commands_per_show_per_min": 1_000_000,
        "log_bytes_per_show_per_min": 2**30,
        "host_commands_waiting_max": 2**30,
        **changes,
    }
    lines: list[str] = []
    async with Running(Settings(**values), say=lines.append) as running:
        stage = Stage(running, data_dir, lines)
        await stage.house.import_catalogue()
        yield stage


class Stage:
    """A running server. `lines` are what its supervisor said."""

    def __init__(self, running: Running, data_dir: Path, lines: list[str]) -> None:
        self.running = running
        self.data_dir = data_dir
        self.lines = lines
        self.house = House(running.settings, running.port, SECRET)

    async def kill(self, name: str) -> None:
        """SIGKILL a child, "engine" or "w0" and so on, and wait until its successor serves."""
        dead = self.running.pids[name]
        os.kill(dead, signal.SIGKILL)
        await wait_until(lambda: not is_alive(dead), timeout_s=DEADLINE_S)
        await wait_until(lambda: self.running.pids.get(name, dead) != dead, timeout_s=DEADLINE_S)
        await wait_until(self.is_ready, timeout_s=DEADLINE_S)

    async def is_ready(self) -> bool:
        async with self.house.http() as http:
            try:
                return (await http.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

    async def truth(self, show: str) -> Truth:
        return await read_truth(self.running.engine_url, show)


async def read_truth(engine_url: str, show: str) -> Truth:
    """Read all that an engine has of a show, in the order that the checker asks for."""
    client = connect(engine_url)
    try:
        shows = Shows(client, keys)
        snapshot = await shows.read(show)
        orders = tuple(await shows.orders(show))
        journal = tuple(await shows.journal(show, 0, _ALL))
        events = tuple(await shows.events(show, 0, _ALL))
        return Truth(snapshot=snapshot, orders=orders, journal=journal, events=events)
    finally:
        await client.aclose()


def drop_of(show: str, key: str) -> str:
    """Return the id of the drop that a pin under `key` makes."""
    return drop_id(show, key)
