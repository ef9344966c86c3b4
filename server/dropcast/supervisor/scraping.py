"""Serves the metrics page: a listener of its own, on which nothing else is to be had."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from dropcast.metrics.text import CONTENT_TYPE
from dropcast.settings import SettingsError
from dropcast.supervisor.sockets import bind

logger = logging.getLogger(__name__)

PATH = b"/metrics"
_HEAD_BYTES_MAX = 8_192
_HEAD_DEADLINE_S = 5.0
_PAGE_DEADLINE_S = 10.0
_CONNECTIONS_MAX = 16


class Scraping:
    """Listens from the start, so that a port which is taken is known at once; answers once `serve` has been called."""

    def __init__(self, host: str, port: int, page: Callable[[], Awaitable[str]]) -> None:
        """Raises SettingsError when it cannot listen there."""
        self._page = page
        self._connections = 0
        try:
            addresses, (self._sockets,) = bind(host, port)
        except OSError as error:
            raise SettingsError(
                f"metrics_host={host}, metrics_port={port}: cannot listen there: {error.strerror}"
            ) from error
        for bound in self._sockets:
            bound.listen()
        self.urls = [address.url + PATH.decode() for address in addresses]
        self.url = self.urls[0]
        self._servers: list[asyncio.Server] = []

    async def serve(self) -> None:
        for bound in self._sockets:
            self._servers.append(await asyncio.start_server(self._answer, sock=bound, limit=_HEAD_BYTES_MAX))

    async def close(self) -> None:
        """Listen no more, and cut off who is being answered."""
        for server in self._servers:
            server.close()
        for bound in self._sockets:
            bound.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            if self._connections <= _CONNECTIONS_MAX:
                async with asyncio.timeout(_HEAD_DEADLINE_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                async with asyncio.timeout(_PAGE_DEADLINE_S):
                    writer.write(await self._response(head))
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # not a scraper, or one that went away
        except Exception:
            logger.exception("the metrics could not be told")
        finally:
            self._connections -= 1
            writer.close()

    async def _response(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if path != PATH:
            return _whole("404 Not Found", "text/plain", b"the metrics are at /metrics\n")
        if method not in (b"GET", b"HEAD"):
            return _whole("405 Method Not Allowed", "text/plain", b"only GET\n", "allow: GET, HEAD\r\n")
        page = (await self._page()).encode()
        whole = _whole("200 OK", CONTENT_TYPE, page)
        return whole if method == b"GET" else whole.removesuffix(page)


def _whole(status: str, kind: str, body: bytes, more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{more}"
    return f"{head}connection: close\r\n\r\n".encode() + body
