"""The listener of the metrics page answers scrapers, and nobody else can make it do anything."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest

from dropcast.settings import SettingsError
from dropcast.supervisor.scraping import Scraping
from tests.support.wait import wait_until

PAGE = "# HELP x Something.\n# TYPE x gauge\nx 1\n"


class Pages:
    def __init__(self) -> None:
        self.asked = 0
        self.fails = False
        self.text = PAGE

    async def page(self) -> str:
        self.asked += 1
        if self.fails:
            raise RuntimeError("no page today")
        return self.text


@pytest.fixture
def pages() -> Pages:
    return Pages()


@pytest.fixture
async def scraping(pages: Pages) -> AsyncIterator[Scraping]:
    scraping = Scraping("127.0.0.1", 0, pages.page)
    await scraping.serve()
    yield scraping
    await scraping.close()


async def say(scraping: Scraping, words: bytes) -> bytes:
    """Say something by hand; return all that comes back."""
    port = int(scraping.url.split(":")[2].partition("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(10):
            writer.write(words)
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_scraper_gets_the_page_as_text(scraping: Scraping) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(scraping.url)
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_the_head_alone_can_be_asked_for(scraping: Scraping) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.head(scraping.url)
    assert (answer.status_code, answer.text) == (200, "")
    assert answer.headers["content-length"] == str(len(PAGE))


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /metrics/x HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /metrics HTTP/1.1\r\ncontent-length: 0\r\n\r\n", b"405"),
        (b"GET /metrics?x=1 HTTP/1.0\r\n\r\n", b"200"),
        (b"\r\n\r\n", b"404"),
    ],
)
async def test_anything_else_is_told_so(scraping: Scraping, words: bytes, status: bytes) -> None:
    assert (await say(scraping, words)).split(b" ")[1] == status


async def test_a_head_without_end_is_cut_off_and_the_next_scraper_served(
    scraping: Scraping, pages: Pages
) -> None:
    assert await say(scraping, b"GET /metrics HTTP/1.1\r\nx: " + b"a" * 100_000) == b""
    assert pages.asked == 0
    assert b"200 OK" in await say(scraping, b"GET /metrics HTTP/1.1\r\n\r\n")


async def test_connections_that_say_nothing_keep_no_scraper_out(scraping: Scraping) -> None:
    port = int(scraping.url.split(":")[2].partition("/")[0])
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
    try:
        async with asyncio.timeout(1):
            assert b"200 OK" in await say(scraping, b"GET /metrics HTTP/1.1\r\n\r\n")
        # Those that came first had to go, and all go soon.
        async with asyncio.timeout(10):
            for reader, _ in silent:
                with suppress(ConnectionError):
                    assert await reader.read() == b""
    finally:
        for _, writer in silent:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def test_pages_that_nobody_reads_keep_no_scraper_out(scraping: Scraping, pages: Pages) -> None:
    pages.text = PAGE * 100_000
    port = int(scraping.url.split(":")[2].partition("/")[0])
    deaf = []
    for _ in range(70):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
        await asyncio.get_running_loop().sock_sendall(client, b"GET /metrics HTTP/1.1\r\n\r\n")
        deaf.append(client)
    try:
        await wait_until(lambda: pages.asked == len(deaf))
        pages.text = PAGE
        async with asyncio.timeout(2):
            assert b"200 OK" in await say(scraping, b"GET /metrics HTTP/1.1\r\n\r\n")
    finally:
        for client in deaf:
            client.close()


async def test_a_page_that_cannot_be_made_is_logged_and_the_next_one_served(
    scraping: Scraping, pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    pages.fails = True
    assert await say(scraping, b"GET /metrics HTTP/1.1\r\n\r\n") == b""
    assert "the metrics could not be told" in caplog.text
    pages.fails = False
    assert b"200 OK" in await say(scraping, b"GET /metrics HTTP/1.1\r\n\r\n")


async def test_a_port_that_is_taken_is_a_setting_that_is_wrong() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"metrics_port={port}"):
            Scraping("127.0.0.1", port, Pages().page)


async def test_one_that_never_served_lets_go_of_its_port() -> None:
    scraping = Scraping("127.0.0.1", 0, Pages().page)
    port = int(scraping.url.split(":")[2].partition("/")[0])
    await scraping.close()
    socket.create_server(("127.0.0.1", port)).close()
