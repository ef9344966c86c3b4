"""A bad line under gevent: a relay between one viewer and the server that can be cut at any moment.

relay.py of the crowd is the same for asyncio. Bytes are passed on as they come; nothing is understood. It cannot
stand before a server with TLS, whose certificate would not be the relay's.
"""

import socket
from contextlib import suppress
from urllib.parse import urlsplit

from gevent.pool import Group
from gevent.server import StreamServer

_PIECE_BYTES = 65_536
_DIAL_S = 10.0


class Relay:
    def __init__(self, url: str) -> None:
        """`url` is the server's and begins with ws://."""
        parts = urlsplit(url)
        self._far = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._sides: set[socket.socket] = set()
        self._pumps = Group()
        self._server = StreamServer(("127.0.0.1", 0), self._relay)
        self._server.start()
        self.url = parts._replace(netloc=f"127.0.0.1:{self._server.server_port}").geturl()

    def cut(self) -> None:
        """End every connection that goes through here, at once."""
        for side in list(self._sides):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._server.stop()
        self.cut()
        self._pumps.kill()

    def _relay(self, near: socket.socket, _: object) -> None:
        try:
            far = socket.create_connection(self._far, _DIAL_S)
        except OSError:
            near.close()
            return
        sides = {near, far}
        self._sides |= sides
        try:
            for side in sides:
                side.settimeout(None)
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = self._pumps.spawn(_pump, far, near)
            _pump(near, far)
            back.join()
        finally:
            self._sides -= sides
            for side in sides:
                side.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on bytes until either side ends, and end the other."""
    with suppress(OSError):
        while data := source.recv(_PIECE_BYTES):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        source.shutdown(socket.SHUT_RDWR)
