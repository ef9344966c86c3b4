"""A server with its metrics, for tests that ask what was counted."""

import socket

import httpx

from tests.support import exposition
from tests.support.wait import wait_until


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


async def scrape(port: int) -> exposition.Page:
    async with httpx.AsyncClient(trust_env=False) as http:
        return exposition.read((await http.get(f"http://127.0.0.1:{port}/metrics")).text)


async def counted(port: int, name: str, at_least: float, **labels: str) -> float:
    """Return the total of a metric once it has come to `at_least`: workers tell twice a second."""

    async def reached() -> float:
        total = (await scrape(port)).total(name, **labels)
        return total if total >= at_least else 0.0

    found: float = await wait_until(reached, timeout_s=15)
    return found
