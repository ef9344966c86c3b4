"""Whatever a client sends before it has a socket has its documented status: slow, large, or no HTTP at all."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.support.house import House
from tests.support.processes import memory_bytes, workers_of
from tests.support.raw import Raw, connection, live, serves, upgrade
from tests.support.server import SECRET, Server
from tests.support.tokens import token

# Time -------------------------------------------------------------------------------------------------------


async def test_no_hello_in_time_is_closed(hostile: House) -> None:
    async with live(hostile.port) as raw:
        assert (await raw.closed())[0] == 4002


async def silence(raw: Raw) -> None:
    """Say nothing."""


async def half_a_line(raw: Raw) -> None:
    await raw.send(b"GET /heal")


async def a_header_at_a_time(raw: Raw) -> None:
    await raw.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: b\r\n")


async def only_empty_lines(raw: Raw) -> None:
    await raw.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await raw.head())[0] == 200
    await raw.reader.readuntil(b"}")
    await raw.send(b"\r\n")


async def half_a_body(raw: Raw) -> None:
    await raw.send(
        b"POST /v1/shows HTTP/1.1\r\nhost: x\r\nauthorization: Bearer "
        + token(SECRET, role="creator").encode()
        + b"\r\ncontent-length: 100\r\n\r\n{"
    )


@pytest.mark.parametrize(
    "begin",
    [silence, half_a_line, a_header_at_a_time, only_empty_lines, half_a_body],
    ids=lambda f: f.__name__,
)
async def test_a_request_that_does_not_come_is_timed_out(
    hostile: House, begin: Callable[[Raw], Awaitable[None]]
) -> None:
    async with connection(hostile.port) as raw:
        await begin(raw)
        assert (await raw.head())[0] == 408
        await raw.ended()
    await serves(hostile.port)


# HTTP -------------------------------------------------------------------------------------------------------

REQUESTS: dict[str, tuple[bytes, int]] = {
    "an upgrade on another path": (upgrade("/v1/other"), 404),
    "an upgrade by HTTP/1.0": (upgrade(version="1.0"), 400),
    "an upgrade without a host": (upgrade(host=None), 400),
    "two hosts": (upgrade()[:-2] + b"host: y\r\n\r\n", 400),
    "an upgrade without a key": (upgrade().replace(b"sec-websocket-key", b"x-key"), 400),
    "an old websocket": (upgrade().replace(b"version: 13", b"version: 8"), 426),
    "a subprotocol that is none": (upgrade(sec_websocket_protocol="chat"), 400),
    "a foreign Origin": (upgrade(origin="https://evil.example"), 403),
    "an Origin that is none": (upgrade(origin="null"), 403),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "a host and port to connect to": (b"CONNECT example.com:80 HTTP/1.1\r\nhost: x\r\n\r\n", 400),
    "NUL in a header": (b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: b\0c\r\n\r\n", 400),
    "two lengths": (
        b"POST /v1/shows HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        400,
    ),
    "a length and chunks": (
        b"POST /v1/shows HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "101 header fields": (b"GET /healthz HTTP/1.1\r\nhost: x\r\n" + b"x-a: b\r\n" * 101 + b"\r\n", 431),
    "an address of 20 KB": (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 431),
    "percent signs in an id": (b"GET /v1/shows/%0d%0aforged%00 HTTP/1.1\r\nhost: x\r\n\r\n", 422),
    "h2c": (b"GET /healthz HTTP/1.1\r\nhost: x\r\nupgrade: h2c\r\nconnection: Upgrade\r\n\r\n", 200),
}


@pytest.mark.parametrize("case", REQUESTS)
async def test_a_bad_request_has_its_status(hostile: House, case: str) -> None:
    sent, status = REQUESTS[case]
    async with connection(hostile.port) as raw:
        await raw.send(sent)
        assert (await raw.head())[0] == status
    await serves(hostile.port)


async def test_an_app_and_a_page_of_the_server_itself_may_connect(hostile: House) -> None:
    for origin in ({}, {"host": "shop.example", "origin": "https://shop.example"}):
        async with live(hostile.port, hello={}, **origin):
            pass


@pytest.mark.parametrize("piece", [b"x-a: " + b"b" * 991 + b"\r\n", b"b" * 1_000], ids=["many", "one"])
async def test_40_mb_of_headers_are_refused_without_being_kept(
    hostile: House, hostile_server: Server, piece: bytes
) -> None:
    (pid,) = workers_of(hostile_server.process.pid)
    before = memory_bytes(pid)
    async with connection(hostile.port) as raw:
        await raw.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-big: ")
        answer = asyncio.create_task(raw.head())
        for _ in range(40):
            await raw.send(piece * 1_000)
        assert (await answer)[0] == 431
    assert memory_bytes(pid) - before < 8_000_000
    await serves(hostile.port)


async def test_a_body_too_large_is_refused_before_it_has_come(hostile: House) -> None:
    async with hostile.http("olga", "operator") as http:
        answer = await http.post(
            "/v1/products?currency=EUR", content=b"x" * (hostile.settings.body_bytes_max + 1)
        )
        assert answer.status_code == 413
