"""Fixtures of this folder."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.house import House
from tests.support.server import SECRET, Server

DEADLINES: dict[str, Any] = {"hello_deadline_ms": 600, "header_deadline_ms": 700, "body_deadline_ms": 700}


@pytest.fixture(scope="module")
def hostile_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("hostile"), workers=1, log_level="info", **DEADLINES)
    try:
        yield server
    finally:
        status = server.stop()
    log = "".join(server.lines)
    assert status == 0, log
    assert "Traceback" not in log, log
    # A line of the log is one line, whatever stood in an id.
    assert "\0" not in log
    assert "forged" not in [line.strip() for line in server.lines]


@pytest.fixture(scope="module")
def hostile(hostile_server: Server) -> House:
    house = House(hostile_server.settings, hostile_server.port, SECRET)
    asyncio.run(house.import_catalogue())
    return house
