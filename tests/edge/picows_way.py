"""picows as a way to take in frames, for intake_cost.py: its protocol behind a transport that goes nowhere."""

import importlib
import logging
import socket
from typing import Any

from picows import WSAutoPingStrategy, WSFrame, WSListener, WSMsgType, WSTransport

# Not in its types, since connections are made by its own servers only.
WSProtocol: Any = importlib.import_module("picows.picows").WSProtocol

_UPGRADE = (
    b"GET /v1/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: ZHJvcGNhc3QgYmVuY2hlcw==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_READ_BUFFER_BYTES = 2_048
"""The least it has for each connection."""


class _Listener(WSListener):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.found: list[bytes] = []

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self.found.append(frame.get_payload_as_bytes())


class _Transport:
    """As much of a transport as picows asks for."""

    _socket = socket.socket()

    def get_extra_info(self, name: str, default: object = None) -> Any:
        return self._socket if name == "socket" else ("127.0.0.1", 0)

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes) -> None:
        pass


class PicowsWay:
    def __init__(self, message_bytes_max: int) -> None:
        self._listener = _Listener()
        self._protocol = WSProtocol(
            "localhost",
            "/",
            False,
            lambda _: self._listener,
            logging.getLogger("picows"),
            True,
            None,
            False,
            10,
            10,
            WSAutoPingStrategy.PING_WHEN_IDLE,
            True,
            message_bytes_max,
            None,
            _READ_BUFFER_BYTES,
        )
        self._protocol.connection_made(_Transport())
        self.take(_UPGRADE)

    def take(self, data: bytes) -> list[bytes]:
        self._protocol.get_buffer(-1)[: len(data)] = data
        self._protocol.buffer_updated(len(data))
        found, self._listener.found = self._listener.found, []
        return found
