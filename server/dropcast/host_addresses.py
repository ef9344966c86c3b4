"""What addresses a host stands for: the supervisor asks before it listens, and `dropcast health` before it calls.

`localhost` stands for both loopback addresses, `::` for every address of IPv4 and IPv6, a name for each address that it
resolves to.
"""

import errno
import socket
from typing import Any, NamedTuple

EVERY_IPV4 = "0.0.0.0"
EVERY_IPV6 = "::"
_LOOPBACK_IPV4 = "127.0.0.1"
_LOOPBACK_IPV6 = "::1"


class Address(NamedTuple):
    family: socket.AddressFamily
    name: tuple[Any, ...]
    """As the socket module has it: host, port, and for IPv6 flow and scope."""
    only_instead: bool = False
    """Whether it is listened on only when the addresses before it are lacking."""

    @property
    def url(self) -> str:
        """Where clients reach it, such as "http://127.0.0.1:8470"."""
        host, port = self.name[:2]
        return f"http://[{host}]:{port}" if self.family == socket.AF_INET6 else f"http://{host}:{port}"

    def on_port(self, port: int) -> "Address":
        return self._replace(name=(self.name[0], port, *self.name[2:]))

    def from_here(self) -> "Address":
        """Return where this machine itself reaches it: "every address" can be listened on, and not called."""
        loopback = {EVERY_IPV4: _LOOPBACK_IPV4, EVERY_IPV6: _LOOPBACK_IPV6}
        return self._replace(name=(loopback.get(self.name[0], self.name[0]), *self.name[1:]))


def addresses_of(host: str, port: int) -> list[Address]:
    """Return what `host` stands for. Raises OSError when it stands for nothing."""
    if host.lower() == "localhost":
        # By definition, whatever the hosts file says: clients try both.
        return [
            Address(socket.AF_INET, (_LOOPBACK_IPV4, port)),
            Address(socket.AF_INET6, (_LOOPBACK_IPV6, port, 0, 0)),
        ]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(errno.EINVAL, "this is no name of a host") from error
    addresses = list(dict.fromkeys(Address(family, name) for family, _, _, _, name in found))
    if [address.name[0] for address in addresses] == [EVERY_IPV6]:
        addresses.append(Address(socket.AF_INET, (EVERY_IPV4, port), only_instead=True))
    return addresses
