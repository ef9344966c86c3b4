"""A socket spoken to byte by byte: frames that no library would send, requests that no browser would make."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

TEXT, BINARY, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
_ANSWER_S = 10.0


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv1: bool = False, masked: bool = True
) -> bytes:
    """Return a client's frame; its mask is zero, so that the payload stands there as it is."""
    head = bytes(((0x80 if fin else 0) | (0x40 if rsv1 else 0) | opcode,))
    mask_bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes((mask_bit | len(payload),))
    elif len(payload) < 65_536:
        head += bytes((mask_bit | 126,)) + len(payload).to_bytes(2)
    else:
        head += bytes((mask_bit | 127,)) + len(payload).to_bytes(8)
    return head + (bytes(4) if masked else b"") + payload


def say(command: Mapping[str, Any]) -> bytes:
    """Return a command as a frame of the JSON protocol."""
    return frame(TEXT, json.dumps(command).encode())


def upgrade(path: str = "/v1/live", *, version: str = "1.1", host: str | None = "x", **headers: str) -> bytes:
    """Return the request for a websocket; `headers` are more of them, with _ for -."""
    lines = [
        f"GET {path} HTTP/{version}",
        "upgrade: websocket",
        "connection: Upgrade",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        *([f"host: {host}"] if host is not None else []),
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


class Raw:
    """See the module."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Write; a server that has ended the connection already is no matter, its answer is what counts."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            return

    async def head(self) -> tuple[int, bytes]:
        """Read a response's head; return its status and the whole head."""
        async with asyncio.timeout(_ANSWER_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
        return int(head.split()[1]), head

    async def frame(self) -> tuple[int, bytes]:
        """Read one frame; return its opcode and its payload."""
        async with asyncio.timeout(_ANSWER_S):
            first, size = await self.reader.readexactly(2)
            if size == 126:
                size = int.from_bytes(await self.reader.readexactly(2))
            elif size == 127:
                size = int.from_bytes(await self.reader.readexactly(8))
            return first & 0x0F, await self.reader.readexactly(size)

    async def message(self) -> dict[str, Any]:
        """Read to the next message and return it."""
        while True:
            opcode, payload = await self.frame()
            assert opcode != CLOSE, payload
            if opcode == TEXT:
                message: dict[str, Any] = json.loads(payload)
                return message

    async def ask(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Say a command and return its reply."""
        await self.send(say(command))
        while True:
            message = await self.message()
            if message.get("re") == command["id"]:
                return message

    async def closed(self) -> tuple[int, list[dict[str, Any]]]:
        """Read to the close frame; return its code, and the messages that came before it."""
        messages = []
        while True:
            opcode, payload = await self.frame()
            if opcode == TEXT:
                messages.append(json.loads(payload))
            elif opcode == CLOSE:
                return int.from_bytes(payload[:2]), messages

    async def ended(self) -> bytes:
        """Read to the end of the connection; return what came."""
        async with asyncio.timeout(_ANSWER_S):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""


@asynccontextmanager
async def connection(port: int) -> AsyncIterator[Raw]:
    """A TCP connection on which nothing is said yet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def live(port: int, *, hello: Mapping[str, Any] | None = None, **headers: str) -> AsyncIterator[Raw]:
    """A live socket, after its hello when one is given."""
    async with connection(port) as raw:
        await raw.send(upgrade(**headers))
        status, head = await raw.head()
        assert status == 101, head
        if hello is not None:
            assert (await raw.ask({"type": "hello", "id": 1, **hello}))["type"] == "welcome"
        yield raw


async def serves(port: int) -> None:
    """The same server still answers on both ways."""
    async with live(port, hello={}) as raw:
        assert (await raw.ask({"type": "ping", "id": 2}))["type"] == "pong"
    async with connection(port) as raw:
        await raw.send(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await raw.head())[0] == 200
