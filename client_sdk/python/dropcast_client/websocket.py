"""A websocket on a bare asyncio transport: frames.py, pushed to and pushing on.

The shell opens one for each dial. Messages are handed to a plain function as they arrive, with no task and no
queue between, and sending never waits.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from ssl import SSLContext
from typing import cast

from dropcast_client.codes import Local
from dropcast_client.frames import LINGER_S, End, Frames, NotOpened, uri_of

OnMessage = Callable[["WebSocket", bytes], None]
OnLost = Callable[["WebSocket", int, str], None]


class WebSocket(asyncio.Protocol):
    def __init__(self, frames: Frames, on_message: OnMessage, on_lost: OnLost) -> None:
        loop = asyncio.get_running_loop()
        self.answered: asyncio.Future[None] = loop.create_future()
        """Done when the server has answered the handshake, whatever it said, or the socket is lost."""
        self.gone: asyncio.Future[None] = loop.create_future()
        """Done when the transport is closed."""
        self._frames = frames
        self._told = False
        """Whether the end was told, or is of our own making."""
        self._on_message = on_message
        self._on_lost = on_lost
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._linger: asyncio.TimerHandle | None = None

    @property
    def end(self) -> End | None:
        """Code and reason once it has ended."""
        return self._frames.end

    def check(self) -> None:
        """After the handshake's answer. Raises NotOpened."""
        self._frames.check()

    def send(self, payload: bytes) -> None:
        """Send one message; nothing when the socket is on its way out."""
        self._frames.send(payload)
        self._flush()

    def close(self, code: int, reason: str) -> None:
        """Say close, and close the transport when the other side has said it too, or after LINGER_S."""
        self._told = True
        self._frames.close(code, reason)
        self._flush()
        self._linger_on()

    def abort(self) -> None:
        """Close the transport at once. Nothing is handed on any more."""
        self._told = True
        if self._frames.end is None:
            self._frames.end = End(Local.CLOSED, "closed")
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._frames.handshake()
        self._flush()

    def data_received(self, data: bytes) -> None:
        for message in self._frames.receive(data):
            if self._told:
                break
            self._on_message(self, message)
        self._flush()
        if self._frames.answered and not self.answered.done():
            self.answered.set_result(None)
        if self._frames.is_over:
            self._ended()
            if self._transport is not None:
                self._transport.close()

    def eof_received(self) -> None:
        self._frames.receive_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._linger is not None:
            self._linger.cancel()
        if self._frames.end is None:
            self._frames.end = End(Local.LOST, str(exc) if exc else "the socket ended")
        self._ended()
        if not self.gone.done():
            self.gone.set_result(None)

    # ------------------------------------------------------------------------------------------------------

    def _ended(self) -> None:
        if not self._told and self._frames.end is not None:
            self._told = True
            self._linger_on()
            self._on_lost(self, *self._frames.end)
        if not self.answered.done():
            self.answered.set_result(None)

    def _linger_on(self) -> None:
        if self._linger is None and not self.gone.done():
            self._linger = self._loop.call_later(LINGER_S, self.abort)

    def _flush(self) -> None:
        data = self._frames.to_send()
        if data and self._transport is not None and not self._transport.is_closing():
            # uvloop raises on a transport that closed a moment ago; its connection_lost is on the way.
            with suppress(RuntimeError):
                self._transport.write(data)


async def open_websocket(
    url: str,
    *,
    subprotocol: str,
    text: bool,
    ssl: SSLContext | None,
    message_bytes_max: int,
    on_message: OnMessage,
    on_lost: OnLost,
) -> WebSocket:
    """Dial, and wait for the handshake. Raises NotOpened. `on_lost` is called only for what was opened."""
    uri = uri_of(url)
    opened = False

    def lost(socket: WebSocket, code: int, reason: str) -> None:
        if opened:
            on_lost(socket, code, reason)

    socket = WebSocket(Frames(uri, subprotocol, text, message_bytes_max), on_message, lost)
    try:
        await asyncio.get_running_loop().create_connection(
            lambda: socket, uri.host, uri.port, ssl=(ssl or True) if uri.secure else None
        )
    except OSError as error:
        raise NotOpened(Local.LOST, f"{type(error).__name__}: {error}") from error
    try:
        await socket.answered
    except asyncio.CancelledError:
        socket.abort()
        raise
    try:
        socket.check()
    except NotOpened:
        socket.abort()
        await socket.gone
        raise
    opened = True
    return socket
