"""CORS: what a web page of another origin may read and send, by the same rule as for the websocket (origins.py)."""

from typing import Any

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from dropcast.edge.origins import Origins

_HEADERS = ("authorization", "content-type", "idempotency-key", "x-request-id")
_MAX_AGE_S = 600


class _CrossOrigin(CORSMiddleware):
    """Starlette's, which asks Origins instead of comparing by itself."""

    def __init__(self, *args: Any, origins: Origins, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._origins = origins

    def is_allowed_origin(self, origin: str) -> bool:
        return self._origins.allow(origin)


def cross_origin(origins: Origins) -> list[Middleware]:
    """Return the middleware that answers browsers; none when no other origin is allowed.

    Without credentials: a page shows its viewer's token by itself.
    """
    if not origins.any and not origins.listed:
        return []
    return [
        Middleware(
            _CrossOrigin,
            origins=origins,
            allow_origins=["*"] if origins.any else [],
            allow_methods=["GET", "POST"],
            allow_headers=_HEADERS,
            max_age=_MAX_AGE_S,
        )
    ]
