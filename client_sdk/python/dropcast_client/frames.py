"""A websocket without a socket: bytes in, messages and bytes out. Pure; on the sans-I/O core of `websockets`.

Both shells drive one for each dial (websocket.py, sync/link.py). Fragments are put together, pings are answered,
pings of our own and permessage-deflate are left out. `end` says how it ended, as soon as that is known.
"""

from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, NegotiationError
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI, parse_uri

from dropcast_client.codes import Local

PATH = "/v1/live"
LINGER_S = 2.0
"""How long a closed socket may take to send what is left and to hear the other side's close."""
NORMAL_CLOSE = 1000

_WHOLE = (Opcode.TEXT, Opcode.BINARY)
_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class End(NamedTuple):
    code: int
    """A close code, an HTTP status or a `Local`."""
    reason: str


class NotOpened(Exception):
    """The websocket did not come about. `code` is an HTTP status or a `Local`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Frames:
    def __init__(self, uri: WebSocketURI, subprotocol: str, text: bool, message_bytes_max: int) -> None:
        self.answered = False
        """Whether the server has answered the handshake, whatever it said."""
        self.end: End | None = None
        self._protocol = ClientProtocol(
            uri, subprotocols=[Subprotocol(subprotocol)], max_size=message_bytes_max
        )
        self._asked_for = subprotocol
        self._text = text
        self._fragments: list[bytes] = []

    @property
    def is_open(self) -> bool:
        return self.end is None and self._protocol.state is State.OPEN

    @property
    def is_over(self) -> bool:
        """Whether the other side has said close, refused the handshake, or broken the protocol: hang up."""
        protocol = self._protocol
        return bool(protocol.close_rcvd or protocol.handshake_exc or protocol.parser_exc)

    def handshake(self) -> None:
        """Ask for the upgrade."""
        self._protocol.send_request(self._protocol.connect())

    def check(self) -> None:
        """After the answer to the handshake. Raises NotOpened."""
        if self.end is None and self._protocol.subprotocol is None and not self._text:
            self.end = End(Local.NO_SUBPROTOCOL, f"the server does not speak {self._asked_for}")
        if self.end is not None:
            raise NotOpened(*self.end)

    def send(self, payload: bytes) -> None:
        """Say one message; nothing when it is on its way out."""
        if self.is_open:
            (self._protocol.send_text if self._text else self._protocol.send_binary)(payload)

    def close(self, code: int, reason: str) -> None:
        """Say close, once."""
        if self.end is None:
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(code, reason)
            self.end = End(code, reason)

    def receive(self, data: bytes) -> list[bytes]:
        """Take in bytes. Return the messages that are whole now; `end` may be known after it."""
        self._protocol.receive_data(data)
        messages: list[bytes] = []
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._take(event, messages)
            elif isinstance(event, Response):
                self.answered = True
        if self._protocol.state is not State.OPEN:
            self._look_for_end()
        return messages

    def receive_eof(self) -> None:
        self._protocol.receive_eof()

    def to_send(self) -> bytes:
        """Return the bytes that are to be sent, once."""
        return b"".join(self._protocol.data_to_send())

    def _take(self, frame: Frame, messages: list[bytes]) -> None:
        if frame.opcode in _WHOLE and frame.fin:
            messages.append(bytes(frame.data))
        elif frame.opcode in _DATA:
            if frame.data:
                self._fragments.append(bytes(frame.data))
            if frame.fin:
                messages.append(b"".join(self._fragments))
                self._fragments.clear()

    def _look_for_end(self) -> None:
        """A close frame or a broken one ends it at once, and not when the socket has closed too."""
        if self.end is not None:
            return
        protocol = self._protocol
        fault = protocol.handshake_exc or protocol.parser_exc
        if protocol.close_rcvd is not None:
            self.end = End(protocol.close_rcvd.code, protocol.close_rcvd.reason)
        elif isinstance(fault, InvalidStatus):
            self.end = End(fault.response.status_code, str(fault))
        elif isinstance(fault, NegotiationError):
            self.end = End(Local.NO_SUBPROTOCOL, str(fault))
        elif fault is not None:
            self.end = End(Local.LOST, str(fault))


def uri_of(url: str) -> WebSocketURI:
    """Return the parsed url, with the path of the protocol where it has none of its own."""
    return parse_uri(with_path(url))


def with_path(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=PATH)) if parts.path in ("", "/") else url
