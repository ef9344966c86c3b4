"""Listening sockets, by one rule for the port of the API and for the port of the metrics.

Every address that the host stands for (host_addresses.py) is listened on, all on one port number. An address that this
machine lacks is left out when there is another one.

`Listeners` has a socket of its own for each worker, on every address. The kernel spreads connects over them. The
supervisor keeps them open and hands a worker's sockets to its successor. After a crash what connects in between waits
in the backlog; a worker that stops in order has taken its sockets out of the port (edge/listener.py).
"""

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from dropcast.host_addresses import EVERY_IPV6, Address, addresses_of
from dropcast.settings import SettingsError

_BACKLOG = 2048
_TRIES = 20
"""How often another free port is tried when the first address has one free and the next has not."""
_LACKING = (errno.EAFNOSUPPORT, errno.EPFNOSUPPORT, errno.EADDRNOTAVAIL)


def bind(host: str, port: int, copies: int = 1) -> tuple[list[Address], list[list[socket.socket]]]:
    """Bind `copies` sockets to each address of `host`, all on one port; 0 takes a free one. Nothing listens yet.

    Return the addresses, and for each copy its sockets in the same order. Raises OSError.
    """
    addresses = addresses_of(host, port)
    for _ in range(_TRIES if port == 0 else 1):
        try:
            return _bind_all(addresses, port, copies)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            taken = error
    raise taken


class Listeners:
    """The sockets of each worker, in the order of the workers. A context manager: leaving closes them."""

    def __init__(self, host: str, port: int, count: int) -> None:
        """Bind and listen. Raises SettingsError when that is not possible."""
        self.sockets: list[list[socket.socket]] = []
        try:
            self.addresses, self.sockets = bind(host, port, count)
            # All are bound before any listens, so that a failure half-way leaves no client connected.
            for bound in self._all():
                bound.listen(_BACKLOG)
        except OSError as error:
            self.close()
            raise SettingsError(f"host={host}, port={port}: cannot listen there: {error.strerror}") from error
        self.port = int(self.addresses[0].name[1])

    @property
    def urls(self) -> list[str]:
        return [address.url for address in self.addresses]

    def close(self) -> None:
        for bound in self._all():
            bound.close()

    def _all(self) -> list[socket.socket]:
        return [bound for copy in self.sockets for bound in copy]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _bind_all(
    addresses: Sequence[Address], port: int, copies: int
) -> tuple[list[Address], list[list[socket.socket]]]:
    taken: list[Address] = []
    bound: list[list[socket.socket]] = [[] for _ in range(copies)]
    lacking: OSError | None = None
    with ExitStack() as undo:
        for address in addresses:
            if address.only_instead and taken:
                continue
            try:
                found, sockets = _bind_copies(address.on_port(port), copies, undo)
            except OSError as error:
                if error.errno not in _LACKING:
                    raise
                lacking = error
                continue
            port = int(found.name[1])
            taken.append(found)
            for copy, each in zip(bound, sockets, strict=True):
                copy.append(each)
        if not taken:
            raise lacking or OSError(errno.EADDRNOTAVAIL, "it stands for no address")
        undo.pop_all()
    return taken, bound


def _bind_copies(address: Address, copies: int, undo: ExitStack) -> tuple[Address, list[socket.socket]]:
    if address.name[1]:
        _refuse_taken(address)
    with _open(address) as chooser:
        if not address.name[1]:
            # A socket that did not name its port would lose it when its worker stops listening.
            chooser.bind(address.name)
            address = address.on_port(chooser.getsockname()[1])
        sockets = []
        for _ in range(copies):
            bound = undo.enter_context(_open(address))
            bound.bind(address.name)
            sockets.append(bound)
    return address, sockets


def _open(address: Address, *, shared: bool = True) -> socket.socket:
    opened = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if address.family == socket.AF_INET6:
            # Said in either case: what it is by default is a setting of the system.
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address.name[0] != EVERY_IPV6)
    except OSError:
        opened.close()
        raise
    return opened


def _refuse_taken(address: Address) -> None:
    """Raise OSError when another server listens there: with SO_REUSEPORT the two would share the port unnoticed."""
    with _open(address, shared=False) as probe:
        probe.bind(address.name)
