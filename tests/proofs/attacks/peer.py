"""Connections of a client that speaks to the server by hand: websockets and HTTP, at little cost for each message.

Honest buyers and attackers both use them, in processes of their own, so that a slow client is not taken for a slow
server. What a connection hears is handed to a callback as it comes; nothing is decoded here.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import TypeVar

import httptools

from tests.support.raw import CLOSE, PING, PONG, TEXT, frame, say, upgrade

OPEN_DEADLINE_S = 20.0
_SMALL_BUFFER_BYTES = 4_096

OnMessage = Callable[[bytes], None]
OnResponse = Callable[[int], None]
Connection = TypeVar("Connection", "Peer", "Requester")


class Peer(asyncio.Protocol):
    """A live socket. `on_message` takes the payload of each message."""

    def __init__(self, on_message: OnMessage) -> None:
        self.on_message = on_message
        self.bytes_heard = 0
        self.close_code = 0
        """The code by which the server closed it; 0 while it is open, or when it was cut off."""
        self.is_lost = False
        self._buffer = bytearray()
        self._is_upgraded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        transport.write(upgrade())

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        if not self._is_upgraded.done():
            self._is_upgraded.set_exception(ConnectionError("the connection was lost before it was upgraded"))
            # Whoever waits for it is told; nobody may be waiting any more.
            self._is_upgraded.exception()

    def data_received(self, data: bytes) -> None:
        self.bytes_heard += len(data)
        self._buffer += data
        if not self._is_upgraded.done():
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if b" 101 " not in self._buffer[:20]:
                self.transport.abort()
                return
            del self._buffer[: end + 4]
            self._is_upgraded.set_result(None)
        for opcode, payload in _frames(self._buffer):
            if opcode == TEXT:
                self.on_message(payload)
            elif opcode == PING:
                self.write(frame(PONG, payload))
            elif opcode == CLOSE:
                self.close_code = int.from_bytes(payload[:2])
                self.transport.close()

    async def upgraded(self) -> None:
        """Wait until it is a websocket. Raises ConnectionError, TimeoutError."""
        async with asyncio.timeout(OPEN_DEADLINE_S):
            await self._is_upgraded

    def write(self, data: bytes) -> None:
        if not self.is_lost and not self.transport.is_closing():
            self.transport.write(data)


class Requester(asyncio.Protocol):
    """A connection for HTTP. `on_response` takes the status of each whole answer."""

    def __init__(self, on_response: OnResponse) -> None:
        self._on_response = on_response
        self.bytes_heard = 0
        self.is_lost = False
        self._parser = httptools.HttpResponseParser(self)
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True

    def data_received(self, data: bytes) -> None:
        self.bytes_heard += len(data)
        with contextlib.suppress(httptools.HttpParserError):
            self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._on_response(self._parser.get_status_code())

    def write(self, data: bytes) -> None:
        if not self.is_lost and not self.transport.is_closing():
            self.transport.write(data)


def _frames(buffer: bytearray) -> list[tuple[int, bytes]]:
    """Take the whole frames out of `buffer`; return the opcode and the payload of each."""
    frames, start, have = [], 0, len(buffer)
    while have - start >= 2:
        size, head = buffer[start + 1], 2
        if size == 126:
            size, head = int.from_bytes(buffer[start + 2 : start + 4]), 4
        elif size == 127:
            size, head = int.from_bytes(buffer[start + 2 : start + 10]), 10
        end = start + head + size
        if have < start + head or have < end:
            break
        frames.append((buffer[start] & 0x0F, bytes(buffer[start + head : end])))
        start = end
    del buffer[:start]
    return frames


async def connect(
    make: Callable[[], Connection], port: int, address: str = "127.0.0.1", *, reads_slowly: bool = False
) -> Connection:
    """Connect from `address`, one of the loopback's. `reads_slowly`: the kernel keeps little for the connection."""
    loop = asyncio.get_running_loop()
    connecting = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if reads_slowly:
            connecting.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER_BYTES)
        connecting.setblocking(False)
        connecting.bind((address, 0))
        async with asyncio.timeout(OPEN_DEADLINE_S):
            await loop.sock_connect(connecting, ("127.0.0.1", port))
        _, protocol = await loop.create_connection(make, sock=connecting)
    except BaseException:
        connecting.close()
        raise
    return protocol


async def open_live(
    port: int, on_message: OnMessage, *, address: str = "127.0.0.1", token: str | None = None
) -> Peer:
    """A live socket that has said hello; its welcome comes to `on_message` like everything else."""
    peer = await connect(lambda: Peer(on_message), port, address)
    await peer.upgraded()
    hello = {"type": "hello", "id": 0}
    peer.write(say(hello if token is None else {**hello, "token": token}))
    return peer


def kind_of(payload: bytes) -> str:
    """Return the type of a message of the JSON protocol, in which it comes first; for an error its code."""
    kind = payload[9 : payload.index(b'"', 9)].decode()
    if kind != "error":
        return kind
    start = payload.index(b'"code":"') + 8
    return payload[start : payload.index(b'"', start)].decode()
