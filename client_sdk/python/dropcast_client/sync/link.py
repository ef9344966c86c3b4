"""A websocket on a plain socket that never blocks: frames.py with a socket below it.

The shell makes one for each dial. `connect` and the two waits may take their time and are called without the
shell's lock; everything else is called with it and returns at once, so that neither reading nor sending can hold
up a caller, and no two threads are inside one TLS socket. What the socket does not take waits in the backlog.
"""

import socket
import ssl as tls
from contextlib import suppress

from dropcast_client.codes import Local
from dropcast_client.frames import End, Frames, NotOpened, uri_of
from dropcast_client.sync.waiting import wait_for_socket

_READ_BYTES = 65_536
_BLOCKED = (BlockingIOError, tls.SSLWantReadError, tls.SSLWantWriteError)


class Link:
    def __init__(
        self, url: str, *, subprotocol: str, text: bool, ssl: tls.SSLContext | None, message_bytes_max: int
    ) -> None:
        self.uri = uri_of(url)
        self.frames = Frames(self.uri, subprotocol, text, message_bytes_max)
        self.is_over = False
        """Whether nothing more can be read."""
        self._ssl = ssl
        self._socket: socket.socket | None = None
        self._backlog = bytearray()

    @property
    def is_connected(self) -> bool:
        return self._socket is not None

    @property
    def has_backlog(self) -> bool:
        return bool(self._backlog) and not self.is_over

    # Without the lock ------------------------------------------------------------------------------------

    def connect(self, timeout_s: float) -> None:
        """Open the socket. Raises NotOpened."""
        try:
            opened = socket.create_connection((self.uri.host, self.uri.port), timeout_s)
        except OSError as error:
            raise NotOpened(Local.LOST, f"{type(error).__name__}: {error}") from error
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.uri.secure:
                context = self._ssl or tls.create_default_context()
                opened = context.wrap_socket(opened, server_hostname=self.uri.host)
            opened.setblocking(False)
        except OSError as error:
            opened.close()
            raise NotOpened(Local.LOST, f"{type(error).__name__}: {error}") from error
        self._socket = opened

    def wait_readable(self, timeout_s: float | None) -> None:
        if self._socket is not None:
            wait_for_socket(self._socket.fileno(), False, timeout_s)

    def wait_writable(self, timeout_s: float | None) -> None:
        if self._socket is not None:
            wait_for_socket(self._socket.fileno(), True, timeout_s)

    # With the lock ---------------------------------------------------------------------------------------

    def send(self, payload: bytes) -> None:
        self.frames.send(payload)
        self.flush()

    def flush(self) -> None:
        """Write what the socket takes now."""
        self._backlog += self.frames.to_send()
        if self._socket is None:
            return
        try:
            while self.has_backlog:
                del self._backlog[: self._socket.send(self._backlog)]
        except _BLOCKED:
            pass
        except OSError as error:
            self._fail(error)

    def receive(self) -> list[bytes] | None:
        """Return the messages that came, or None when there is nothing to read now."""
        if self._socket is None or self.is_over:
            return None
        try:
            data = self._socket.recv(_READ_BYTES)
        except _BLOCKED:
            return None
        except OSError as error:
            self._fail(error)
            return None
        if not data:
            self.frames.receive_eof()
            self._fail(None)
            return None
        messages = self.frames.receive(data)
        self.flush()
        self.is_over = self.is_over or self.frames.is_over
        return messages

    def close(self, code: int, reason: str) -> None:
        """Say close; the reader goes on until the other side has said it too."""
        self.frames.close(code, reason)
        self.flush()

    def abort(self) -> None:
        """End it at once; whoever waits for the socket wakes."""
        self._fail(None)
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def dispose(self) -> None:
        """Give the socket back. For the thread that reads, as the last thing it does."""
        self.abort()
        if self._socket is not None:
            self._socket.close()

    def _fail(self, error: OSError | None) -> None:
        self.is_over = True
        if self.frames.end is None:
            self.frames.end = End(Local.LOST, str(error) if error else "the socket ended")
