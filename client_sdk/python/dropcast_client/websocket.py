"""A websocket on a bare asyncio transport: the library's sans-I/O core, pushed to and pushing on.

The shell opens one for each dial. Messages are handed to a plain function as they arrive, with no task and no
queue between, and sending never waits. permessage-deflate and ping frames of our own are left out; pings of
the server are answered.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from ssl import SSLContext
from typing import cast
from urllib.parse import urlsplit, urlunsplit

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, NegotiationError
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from dropcast_client.codes import Local

PATH = "/v1/live"
LINGER_S = 2.0
"""How long a closed socket may take to send what is left and to hear the other side's close."""

_WHOLE = (Opcode.TEXT, Opcode.BINARY)
_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)

OnMessage = Callable[["WebSocket", bytes], None]
OnLost = Callable[["WebSocket", int, str], None]


class NotOpened(Exception):
    """The websocket did not come about. `code` is an HTTP status or a `Local`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class WebSocket(asyncio.Protocol):
    def __init__(self, protocol: ClientProtocol, text: bool, on_message: OnMessage, on_lost: OnLost) -> None:
        loop = asyncio.get_running_loop()
        self.answered: asyncio.Future[None] = loop.create_future()
        """Done when the server has answered the handshake, whatever it said, or the socket is lost."""
        self.gone: asyncio.Future[None] = loop.create_future()
        """Done when the transport is closed."""
        self.end: tuple[int, str] | None = None
        """Code and reason once it has ended."""
        self._protocol = protocol
        self._send = protocol.send_text if text else protocol.send_binary
        self._on_message = on_message
        self._on_lost = on_lost
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._fragments: list[bytes] = []
        self._linger: asyncio.TimerHandle | None = None

    @property
    def subprotocol(self) -> str | None:
        return self._protocol.subprotocol

    def send(self, payload: bytes) -> None:
        """Send one message; nothing when the socket is on its way out."""
        if self.end is None and self._protocol.state is State.OPEN:
            self._send(payload)
            self._flush()

    def close(self, code: int, reason: str) -> None:
        """Say close, and close the transport when the other side has said it too, or after LINGER_S."""
        if self.end is None:
            self.end = (code, reason)
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(code, reason)
                self._flush()
        if self._linger is None and not self.gone.done():
            self._linger = self._loop.call_later(LINGER_S, self.abort)

    def abort(self) -> None:
        """Close the transport at once. Nothing is handed on any more."""
        self.end = self.end or (Local.CLOSED, "closed")
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        protocol = self._protocol
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Frame):
                self._take_frame(event)
            elif isinstance(event, Response) and not self.answered.done():
                self.answered.set_result(None)
        self._flush()
        if protocol.state is not State.OPEN:
            self._look_for_end()

    def eof_received(self) -> None:
        self._protocol.receive_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._linger is not None:
            self._linger.cancel()
        self._ended(Local.LOST, str(exc) if exc else "the socket ended")
        if not self.gone.done():
            self.gone.set_result(None)

    # ------------------------------------------------------------------------------------------------------

    def _take_frame(self, frame: Frame) -> None:
        if self.end is not None:
            return
        if frame.opcode in _WHOLE and frame.fin:
            self._on_message(self, bytes(frame.data))
        elif frame.opcode in _DATA:
            if frame.data:
                self._fragments.append(bytes(frame.data))
            if frame.fin:
                message = b"".join(self._fragments)
                self._fragments.clear()
                self._on_message(self, message)

    def _look_for_end(self) -> None:
        """Report a close frame or a broken one at once, and not when the transport has closed too."""
        protocol = self._protocol
        fault = protocol.handshake_exc or protocol.parser_exc
        if protocol.close_rcvd is not None:
            self._ended(protocol.close_rcvd.code, protocol.close_rcvd.reason)
        elif isinstance(fault, InvalidStatus):
            self._ended(fault.response.status_code, str(fault))
        elif isinstance(fault, NegotiationError):
            self._ended(Local.NO_SUBPROTOCOL, str(fault))
        elif fault is not None:
            self._ended(Local.LOST, str(fault))
        else:
            return
        if self._transport is not None:
            self._transport.close()

    def _ended(self, code: int, reason: str) -> None:
        if self.end is None:
            self.end = (code, reason)
            if self._linger is None and not self.gone.done():
                self._linger = self._loop.call_later(LINGER_S, self.abort)
            self._on_lost(self, code, reason)
        if not self.answered.done():
            self.answered.set_result(None)

    def _flush(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        for data in self._protocol.data_to_send():
            if data:
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
    uri = parse_uri(with_path(url))
    protocol = ClientProtocol(uri, subprotocols=[Subprotocol(subprotocol)], max_size=message_bytes_max)
    opened = False

    def lost(socket: WebSocket, code: int, reason: str) -> None:
        if opened:
            on_lost(socket, code, reason)

    socket = WebSocket(protocol, text, on_message, lost)
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
    end = socket.end
    if end is None and socket.subprotocol is None and not text:
        end = (Local.NO_SUBPROTOCOL, f"the server does not speak {subprotocol}")
    if end is not None:
        socket.abort()
        await socket.gone
        raise NotOpened(*end)
    opened = True
    return socket


def with_path(url: str) -> str:
    """Return the url with the path of the protocol, where it has none of its own."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=PATH)) if parts.path in ("", "/") else url
