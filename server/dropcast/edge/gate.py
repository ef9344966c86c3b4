"""What a connection must pass before it is a live socket: the limits by address, the Origin, the handshake."""

from collections.abc import Sequence

from dropcast.edge import handshake
from dropcast.edge.addresses import Addresses, Proxies
from dropcast.edge.dispatch import Dispatch
from dropcast.edge.handshake import Accepted, Headers, Rejected
from dropcast.edge.origins import Origins
from dropcast.settings import Settings


class Gate:
    """Shared by all connections of a worker."""

    def __init__(
        self, settings: Settings, dispatch: Dispatch, addresses: Addresses, origins: Origins
    ) -> None:
        self.settings = settings
        self.dispatch = dispatch
        self.addresses = addresses
        self.proxies = Proxies(settings.trusted_proxies, settings.proxy_header)
        self._origins = origins

    @property
    def is_draining(self) -> bool:
        return self.dispatch.sockets.is_draining

    def answer(self, headers: Headers) -> Accepted | Rejected:
        """Answer a request to become a live socket."""
        if self.is_draining:
            return Rejected(handshake.response(503, "this worker is going away", b"retry-after: 1\r\n"))
        origins = _values(headers, b"origin")
        host = b"".join(_values(headers, b"host")).decode("latin-1")
        if not all(self._origins.allow(origin.decode("latin-1"), host) for origin in origins):
            return Rejected(handshake.response(403, "this origin is not in allowed_origins"))
        return handshake.answer(headers)


def _values(headers: Headers, name: bytes) -> Sequence[bytes]:
    return [value.strip() for key, value in headers if key == name]
