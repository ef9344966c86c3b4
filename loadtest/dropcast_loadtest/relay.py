"""A bad line: a relay between one viewer and the server that can be cut at any moment.

Both sides then see the connection end at once, without a close frame and with whatever was under way lost.
Bytes are passed on as they come; nothing is understood.
"""

import asyncio
from typing import Self, cast
from urllib.parse import urlsplit


class _Side(asyncio.Protocol):
    """One end of a relayed connection. What comes before the other end is there waits."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: _Side | None = None
        self._waiting: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def join(self, other: "_Side") -> None:
        self.other, other.other = other, self
        for data in self._waiting:
            other.write(data)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._waiting.append(data)
        else:
            self.other.write(data)

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class Relay:
    """Listens on a free port of the loopback while it is entered; `url` is what the viewer connects to."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.hostname is None or parts.port is None:
            raise ValueError("a relay needs a url with a host and a port")
        self._parts = parts
        self._host, self._port = parts.hostname, parts.port
        self._sides: set[_Side] = set()
        self._dialling: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = self._parts._replace(netloc=f"127.0.0.1:{port}").geturl()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        if self._dialling:
            await asyncio.wait(self._dialling)

    def cut(self) -> None:
        """End every connection that goes through here, at once."""
        for task in self._dialling:
            task.cancel()
        for side in self._sides:
            side.abort()
        self._sides.clear()

    def _accept(self) -> _Side:
        near = _Side()
        self._sides.add(near)
        task = asyncio.get_running_loop().create_task(self._dial(near))
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)
        return near

    async def _dial(self, near: _Side) -> None:
        far = _Side()
        try:
            await asyncio.get_running_loop().create_connection(lambda: far, self._host, self._port)
        except OSError:
            near.abort()
            return
        self._sides.add(far)
        near.join(far)
