"""Fixtures that several folders of tests share."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import old_version
from tests.support.house import House
from tests.support.server import SECRET, Server


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server with two workers and a small catalogue, for all tests of this process."""
    server = Server(tmp_path_factory.mktemp("house"), workers=2)
    try:
        house = House(server.settings, server.port, SECRET)
        asyncio.run(house.import_catalogue())
        yield house
    finally:
        status = server.stop()
        log = "".join(server.lines)
    assert status == 0, log
    # Whatever a worker logs at warning or above is a fault that no test has noticed.
    assert "Traceback" not in log, log


@pytest.fixture(scope="session")
def old_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the package of the older server, see old_version.py."""
    reason = old_version.why_missing()
    if reason:
        pytest.skip(reason)
    return old_version.unpack(tmp_path_factory.mktemp("old-version"))
