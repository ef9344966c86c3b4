"""CORS: what a web page of another origin may read and send, by the same list as for the socket."""

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from dropcast.edge.origins import Origins

_HEADERS = ("authorization", "content-type", "idempotency-key", "x-request-id")
_MAX_AGE_S = 600


def cross_origin(origins: Origins) -> list[Middleware]:
    """Return the middleware that answers browsers; none when no other origin is allowed.

    Without credentials: a page shows its viewer's token by itself.
    """
    if not origins.any and not origins.listed:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=["*"] if origins.any else list(origins.listed),
            allow_methods=["GET", "POST"],
            allow_headers=_HEADERS,
            max_age=_MAX_AGE_S,
        )
    ]
