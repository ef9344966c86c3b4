"""What a connection must pass before it is a live socket: the limits, the Origin, the handshake."""

import logging
from collections.abc import Sequence

from starlette.types import ASGIApp

from dropcast.edge import handshake
from dropcast.edge.addresses import Addresses, Proxies, Requests
from dropcast.edge.dispatch import Dispatch
from dropcast.edge.handshake import Accepted, Headers, Rejected
from dropcast.edge.http_connections import HttpConnections
from dropcast.edge.origins import Origins
from dropcast.metrics import counts
from dropcast.settings import Settings

logger = logging.getLogger(__name__)

_COME_LATER = b"retry-after: 1\r\n"


class Gate:
    """Shared by all connections of a worker."""

    def __init__(
        self,
        settings: Settings,
        dispatch: Dispatch,
        addresses: Addresses,
        origins: Origins,
        http: HttpConnections,
        too_many_requests: ASGIApp,
    ) -> None:
        """`too_many_requests` answers in the application's place when an address has too many under way."""
        self.settings = settings
        self.dispatch = dispatch
        self.addresses = addresses
        self.requests = Requests(settings)
        self.http = http
        self.too_many_requests = too_many_requests
        self.proxies = Proxies(settings.trusted_proxies, settings.proxy_header)
        self._origins = origins
        self._has_warned = False

    @property
    def is_draining(self) -> bool:
        return self.dispatch.sockets.is_draining

    def answer(self, headers: Headers) -> Accepted | Rejected:
        """Answer a request to become a live socket."""
        if self.is_draining:
            return Rejected(handshake.response(503, "this worker is going away", _COME_LATER))
        if not self._allows_origins(headers):
            return Rejected(handshake.response(403, "this origin is not in allowed_origins"))
        if self.dispatch.sockets.is_full:
            counts.limited["connections_max"] += 1
            return Rejected(handshake.response(503, "this worker has no room for a live socket", _COME_LATER))
        return handshake.answer(headers)

    def _allows_origins(self, headers: Headers) -> bool:
        origins = _values(headers, b"origin")
        if not origins:
            return True
        host = b"".join(_values(headers, b"host")).decode("latin-1")
        return all(self._origins.allow(origin.decode("latin-1"), host) for origin in origins)

    def look_at_proxy(self, peer: str, headers: Headers) -> None:
        """Warn once when a proxy names its clients in vain, since they then count as one address."""
        if not self._has_warned:
            complaint = self.proxies.complaint(peer, headers)
            if complaint:
                self._has_warned = True
                logger.warning("%s", complaint)


def _values(headers: Headers, name: bytes) -> Sequence[bytes]:
    return [value.strip() for key, value in headers if key == name]
