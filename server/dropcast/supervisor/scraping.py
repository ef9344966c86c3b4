"""Serves the metrics page: a listener of its own, on which nothing else is to be had.

Whoever comes last gets in: at the limit the connection ends that has said nothing for longest, or failing that the one
whose page waits for longest to be read. So nobody keeps a scraper out by holding connections open.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from dropcast.metrics.text import CONTENT_TYPE
from dropcast.settings import SettingsError
from dropcast.supervisor.sockets import bind

logger = logging.getLogger(__name__)

PATH = b"/metrics"
_HEAD_BYTES_MAX = 8_192
_HEAD_DEADLINE_S = 2.0
_PAGE_DEADLINE_S = 10.0
_CONNECTIONS_MAX = 64


class Scraping:
    """Listens from the start, so that a port which is taken is known at once; answers once `serve` has been called."""

    def __init__(self, host: str, port: int, page: Callable[[], Awaitable[str]]) -> None:
        """Raises SettingsError when it cannot listen there."""
        self._page = page
        # Dictionaries for their order: the first is there for longest.
        self._silent: dict[asyncio.StreamWriter, None] = {}
        self._answered: dict[asyncio.StreamWriter, None] = {}
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
        self._make_room()
        self._silent[writer] = None
        # So that all is read when drain returns: what closes has nothing left to wait for.
        writer.transport.set_write_buffer_limits(high=0)
        try:
            async with asyncio.timeout(_HEAD_DEADLINE_S):
                head = await reader.readuntil(b"\r\n\r\n")
            self._silent.pop(writer, None)
            self._answered[writer] = None
            async with asyncio.timeout(_PAGE_DEADLINE_S):
                writer.write(await self._response(head))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()  # not a scraper, or one that went away
        except Exception:
            logger.exception("the metrics could not be told")
        finally:
            self._silent.pop(writer, None)
            self._answered.pop(writer, None)
            writer.close()

    def _make_room(self) -> None:
        if len(self._silent) + len(self._answered) >= _CONNECTIONS_MAX:
            first = next(iter(self._silent or self._answered))
            self._silent.pop(first, None)
            self._answered.pop(first, None)
            first.transport.abort()

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
