"""A viewer who watches a show and then reads no more: a bare socket, without a library that would read for it."""

import socket
import time
from typing import Any

from tests.support.raw import say, upgrade

_ESTABLISHED = 1
_DEADLINE_S = 30.0


class MuteSocket:
    """See the module. Linux only: it asks the kernel for the connection's state, because it does not read."""

    def __init__(self, port: int, show: str, token: str | None = None) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_DEADLINE_S)
        self._socket.sendall(upgrade())
        self._read_until(b"\r\n\r\n")
        hello: dict[str, Any] = {"type": "hello", "id": 1}
        if token is not None:
            hello["token"] = token
        self._socket.sendall(say(hello))
        self._socket.sendall(say({"type": "watch", "id": 2, "show": show}))
        self._read_until(b'"watching"')
        self.stalled_at_s = time.monotonic()
        self.evicted_at_s: float | None = None

    def look(self) -> bool:
        """Return whether the server has ended the connection, and keep when that was seen first."""
        if self.evicted_at_s is None:
            state = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
            if state != _ESTABLISHED:
                self.evicted_at_s = time.monotonic()
        return self.evicted_at_s is not None

    def close(self) -> None:
        self._socket.close()

    def _read_until(self, mark: bytes) -> None:
        """Read until `mark` was seen; what comes with it and after it does not matter."""
        seen = b""
        while mark not in seen:
            data = self._socket.recv(65_536)
            assert data, "the server ended the connection"
            seen += data
