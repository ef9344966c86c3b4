"""A worker that is full keeps room for viewers with a token; and proxies are told apart from their clients."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.support.house import House
from tests.support.raw import connection, live, say, serves, upgrade
from tests.support.scraped import counted, free_port
from tests.support.server import SECRET, Server
from tests.support.wait import wait_until

MOST = 20
LIMITS = "dropcast_limit_hits_total"


def started(folder: Any, **flags: Any) -> Iterator[tuple[House, Server]]:
    server = Server(folder, workers=1, **flags)
    try:
        yield House(server.settings, server.port, SECRET), server
    finally:
        assert server.stop() == 0, "".join(server.lines)
    assert "Traceback" not in "".join(server.lines)


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, int]]:
    metrics = free_port()
    for house, _ in started(tmp_path_factory.mktemp("crowded"), connections_max=MOST, metrics_port=metrics):
        yield house, metrics


async def test_above_nine_tenths_only_viewers_with_a_token_get_in_and_at_the_limit_nobody(
    crowded: tuple[House, int],
) -> None:
    house, metrics = crowded
    hello = {"token": house.token("ana")}
    async with AsyncExitStack() as stack:
        for _ in range(MOST * 9 // 10):
            await stack.enter_async_context(live(house.port, hello={}))
        async with live(house.port) as raw:
            await raw.send(say({"type": "hello", "id": 1}))
            assert (await raw.closed())[0] == 4004
        while True:
            async with connection(house.port) as raw:
                await raw.send(upgrade())
                status, head = await raw.head()
            if status == 503:
                break
            await stack.enter_async_context(live(house.port, hello=hello))
        assert b"retry-after: 1\r\n" in head
        assert await counted(metrics, LIMITS, 2, limit="connections_max") >= 2
        assert await counted(metrics, "dropcast_closes_total", 1, code="4004") >= 1
        # HTTP is answered all the same.
        async with house.http() as http:
            assert (await http.get("/readyz")).status_code == 200
    await wait_until(lambda: gets_in(house))


async def gets_in(house: House) -> bool:
    async with connection(house.port) as raw:
        await raw.send(upgrade())
        return (await raw.head())[0] == 101


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Server, int]]:
    metrics = free_port()
    for house, server in started(
        tmp_path_factory.mktemp("proxied"),
        trusted_proxies="127.0.0.1",
        connections_per_address_max=2,
        connections_per_ipv6_64_max=2,
        connections_per_ipv6_48_max=3,
        metrics_port=metrics,
    ):
        yield house, server, metrics


async def test_a_trusted_proxy_has_any_number_of_connections(proxied: tuple[House, Server, int]) -> None:
    house, _, _ = proxied
    async with AsyncExitStack() as stack:
        for _ in range(10):
            raw = await stack.enter_async_context(connection(house.port))
            await raw.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 203.0.113.7\r\n\r\n")
            assert (await raw.head())[0] == 200


@pytest.mark.parametrize(
    ("clients", "limit"),
    [
        (["203.0.113.9", "203.0.113.9", "::ffff:203.0.113.9"], "connections_per_address_max"),
        (["2001:db8::1", "2001:db8::2", "2001:db8::3"], "connections_per_ipv6_64_max"),
        (
            ["2001:db8:1::1", "2001:db8:1:1::1", "2001:db8:1:2::1", "2001:db8:1:3::1"],
            "connections_per_ipv6_48_max",
        ),
    ],
)
async def test_the_limit_that_refuses_is_the_one_that_is_counted(
    proxied: tuple[House, Server, int], clients: list[str], limit: str
) -> None:
    house, _, metrics = proxied
    async with AsyncExitStack() as stack:
        for client in clients[:-1]:
            await stack.enter_async_context(live(house.port, hello={}, x_forwarded_for=client))
        async with live(house.port, x_forwarded_for=clients[-1]) as raw:
            assert (await raw.closed())[0] == 4004
    assert await counted(metrics, LIMITS, 1, limit=limit) == 1


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip"])
async def test_a_proxy_that_is_not_trusted_is_worth_one_warning(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    server = await asyncio.to_thread(Server, tmp_path_factory.mktemp("untrusted"), workers=1)
    try:
        await serves(server.port)
        assert not any("trusted_proxies" in line for line in server.lines)
        for client in ("203.0.113.7", "203.0.113.8"):
            async with live(server.port, hello={}, **{name.replace("-", "_"): client}):
                pass
        await wait_until(lambda: any("trusted_proxies" in line for line in server.lines))
    finally:
        assert await asyncio.to_thread(server.stop) == 0
    (line,) = [line for line in server.lines if "trusted_proxies" in line]
    assert " WARNING " in line
    assert "127.0.0.1" in line
    assert name in line
