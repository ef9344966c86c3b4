"""A worker of the older server (see old_version.py) beside one of this version, on one engine.

Every test of this folder runs four times: the older server started first and this one joined it, or the other way
round; and the older one writes what this one reads, or the other way round. The servers are shared by the folder's
tests, each of which has a show of its own; when they stop, both versions audit all shows.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from redis import Redis

from dropcast.store.embedded import EmbeddedEngine
from tests.support.house import House
from tests.support.server import SECRET, Server, Start

ORDERS = ("the older starts first", "the newer starts first")
DIRECTIONS = ("the older writes", "the newer writes")


class Pair(NamedTuple):
    """Both servers, and what the engine had as version of its functions when the first and the second had started."""

    old: Server
    new: Server
    engine_url: str
    old_packages: Path
    versions: tuple[int, int]
    order: str


class Sides(NamedTuple):
    """The server that acts first in a test, and the one that reads and goes on."""

    writer: House
    reader: House
    engine_url: str


@pytest.fixture(scope="package", params=ORDERS)
def pair(
    request: pytest.FixtureRequest, old_packages: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    home = tmp_path_factory.mktemp("rolling")
    servers: list[Server] = []
    versions: list[int] = []
    with ExitStack() as stack:
        engine = stack.enter_context(EmbeddedEngine(home / "engine"))
        client = stack.enter_context(Redis(unix_socket_path=str(engine.socket_path)))
        # Whoever starts the engine loads its own functions: here the first server is to bring them.
        client.execute_command("FUNCTION", "FLUSH")
        is_old_first = request.param == ORDERS[0]
        for is_old in (is_old_first, not is_old_first):
            server = Server(
                home / ("old" if is_old else "new"),
                Start(packages=old_packages if is_old else None),
                workers=1,
                redis_url=engine.url,
                beat_ms=250,
            )
            stack.callback(server.stop)
            servers.append(server)
            versions.append(int(client.execute_command("FCALL", "dropcast_version", 0)))
        old, new = servers if is_old_first else reversed(servers)
        asyncio.run(house_of(new).import_catalogue())
        yield Pair(old, new, engine.url, old_packages, (versions[0], versions[1]), request.param)
        assert old.audit() == "ok"
        assert new.audit() == "ok"
    for server in servers:
        log = "".join(server.lines)
        assert server.process.returncode == 0, log
        # Whatever a worker logs with a traceback is a fault that no test has noticed.
        assert "Traceback" not in log, log


@pytest.fixture(params=DIRECTIONS)
def sides(request: pytest.FixtureRequest, pair: Pair) -> Sides:
    old, new = house_of(pair.old), house_of(pair.new)
    writer, reader = (old, new) if request.param == DIRECTIONS[0] else (new, old)
    return Sides(writer, reader, pair.engine_url)


def house_of(server: Server) -> House:
    return House(server.settings, server.port, SECRET)
