"""One listening socket per worker, all on the same port. The kernel spreads connects over them.

The supervisor keeps them open and hands a worker's socket to its successor. After a crash what connects in between
waits in the socket's backlog; a worker that stops in order has taken its socket out of the port (edge/listener.py).
"""

import socket
from types import TracebackType
from typing import Self

from dropcast.settings import SettingsError

_BACKLOG = 2048


class Listeners:
    """The sockets, in the order of the workers. A context manager: leaving closes them."""

    def __init__(self, host: str, port: int, count: int) -> None:
        """Bind and listen. Raises SettingsError when that is not possible."""
        self.sockets: list[socket.socket] = []
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            if port:
                _refuse_taken(family, kind, protocol, address)
            with _open(family, kind, protocol) as chooser:
                if not port:
                    # A socket that did not name its port would lose it when its worker stops listening.
                    chooser.bind(address)
                    address = chooser.getsockname()
                for _ in range(count):
                    bound = _open(family, kind, protocol)
                    self.sockets.append(bound)
                    bound.bind(address)
            # All are bound before any listens, so that a failure half-way leaves no client connected.
            for bound in self.sockets:
                bound.listen(_BACKLOG)
        except OSError as error:
            self.close()
            raise SettingsError(f"host={host}, port={port}: cannot listen there: {error.strerror}") from error
        self.host = str(address[0])
        self.port = int(address[1])

    @property
    def url(self) -> str:
        """Where clients reach it, such as "http://127.0.0.1:8470"."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def close(self) -> None:
        for bound in self.sockets:
            bound.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open(family: int, kind: int, protocol: int) -> socket.socket:
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return bound


def _refuse_taken(family: int, kind: int, protocol: int, address: tuple[object, ...]) -> None:
    """Raise OSError when another server listens there: with SO_REUSEPORT the two would share the port unnoticed."""
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
