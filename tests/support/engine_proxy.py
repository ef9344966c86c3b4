"""A proxy between workers and the engine that understands the engine's protocol well enough to lose replies.

A reply is lost after its command acted: the engine has carried it out, and the worker's connection ends without a
word. Each request is lost once: a request is one trade of a batch, or one call with its arguments.
"""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self
from urllib.parse import quote

import hiredis
import msgspec

_TRADES = frozenset({b"dropcast_trade", b"dropcast_settle"})
_SUBSCRIBES = frozenset({b"SUBSCRIBE", b"SSUBSCRIBE", b"PSUBSCRIBE"})

Lose = Callable[[list[bytes]], bool]


class OncePerRequest:
    """Says that a reply is lost when the call carries a request whose reply has not been lost yet."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self.lost = 0
        """Replies that were lost."""

    @property
    def requests(self) -> int:
        return len(self._seen)

    def __call__(self, command: list[bytes]) -> bool:
        if command[0].upper() != b"FCALL":
            return False
        new = set(_requests(command)) - self._seen
        self._seen |= new
        self.lost += bool(new)
        return bool(new)


def _requests(command: list[bytes]) -> list[bytes]:
    name, count = command[1], int(command[2])
    arguments = command[3 + count :]
    if name in _TRADES:
        return [msgspec.msgpack.encode(trade) for trade in msgspec.msgpack.decode(arguments[0])]
    return [b"\0".join((name, *arguments))]


class EngineProxy:
    """Listens on a unix socket in `folder` and forwards to the engine's. `lose` decides about each command.

    `delay_s`: how long a reply is held back at most, at random.
    """

    def __init__(
        self, engine_socket: Path, folder: Path, *, lose: Lose, delay_s: float = 0.0, seed: int = 0
    ) -> None:
        self._engine_socket = engine_socket
        self._path = folder / "proxy.sock"
        self.url = f"unix://{quote(str(self._path))}"
        self.lose = lose
        self.delay_s = delay_s
        self.lost = 0
        self._is_away = False
        self._chance = random.Random(seed)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._accept, self._path)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> int:
        """End every connection at once; return how many there were."""
        for writer in list(self._writers):
            writer.transport.abort()
        return len(self._writers) // 2

    def go_away(self) -> None:
        """End every connection and take no new one, as an engine that is not there, until `come_back`."""
        self._is_away = True
        self.cut()

    def come_back(self) -> None:
        self._is_away = False

    async def _accept(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        if self._is_away:
            near.transport.abort()
            return
        try:
            far_reader, far = await asyncio.open_unix_connection(self._engine_socket)
        except OSError:
            near.transport.abort()
            return
        line = _Line(self)
        self._writers |= {near, far}
        try:
            await asyncio.gather(
                _pump(near_reader, far, line.on_command), _pump(far_reader, near, line.on_reply)
            )
        finally:
            self._writers -= {near, far}
            for writer in (near, far):
                writer.transport.abort()

    async def pause(self) -> None:
        if self.delay_s:
            await asyncio.sleep(self._chance.random() * self.delay_s)


class _Line:
    """One connection: matches replies to commands. A connection that subscribes is only passed on."""

    def __init__(self, proxy: EngineProxy) -> None:
        self._proxy = proxy
        self._commands = hiredis.Reader(notEnoughData=...)
        self._replies = hiredis.Reader(notEnoughData=...)
        self._waiting: deque[bool] = deque()
        self._subscribed = False

    async def on_command(self, data: bytes) -> bool:
        self._commands.feed(data)
        while (command := self._commands.gets()) is not ...:
            self._subscribed |= command[0].upper() in _SUBSCRIBES
            self._waiting.append(not self._subscribed and self._proxy.lose(command))
        return True

    async def on_reply(self, data: bytes) -> bool:
        """Return False when this is where the connection ends."""
        if self._subscribed:
            return True
        self._replies.feed(data)
        while self._replies.gets() is not ...:
            if self._waiting.popleft():
                self._proxy.lost += 1
                return False
        await self._proxy.pause()
        return True


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, see: Callable[[bytes], Awaitable[bool]]
) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            if not await see(data):
                break
            if writer.transport.is_closing():
                break  # uvloop raises when it is written to
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
