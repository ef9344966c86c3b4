"""A TCP proxy between a client and a server, to treat connections the way networks do: cut, late, or lost.

What a client says reaches the server in any case; it is the replies that are held back or never arrive.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable


class Proxy:
    """Forwards one local port to another; `cut` aborts every connection through it, `lose` what the server says.

    `delay_s`: how long a reply is held back at most, at random.
    """

    def __init__(self, port: int, *, delay_s: float = 0.0, seed: int = 0) -> None:
        self._target_port = port
        self._delay_s = delay_s
        self._chance = random.Random(seed)
        self._is_losing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.accepted = 0

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def cut(self) -> int:
        """Abort all connections at once; return how many there were."""
        writers = list(self._writers)
        for writer in writers:
            writer.transport.abort()
        return len(writers) // 2

    async def lose(self, seconds: float) -> int:
        """Lose what the server says for a while, then cut: whatever was asked meanwhile may have been done."""
        self._is_losing = True
        await asyncio.sleep(seconds)
        self._is_losing = False
        return self.cut()

    async def _passes(self) -> bool:
        """Hold a reply back. Return whether it may go on."""
        if self._delay_s:
            await asyncio.sleep(self._chance.random() * self._delay_s)
        return not self._is_losing

    async def _accept(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        self.accepted += 1
        far_reader, far = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._writers |= {near, far}
        try:
            await asyncio.gather(_pump(near_reader, far), _pump(far_reader, near, self._passes))
        finally:
            self._writers -= {near, far}
            for writer in (near, far):
                writer.close()


async def _pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    passes: Callable[[], Awaitable[bool]] | None = None,
) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            if passes is not None and not await passes():
                continue
            if writer.transport.is_closing():
                break  # uvloop raises when it is written to
            writer.write(data)
            await writer.drain()
    writer.close()
