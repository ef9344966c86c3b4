"""Around every HTTP request: its id, its time, its outcome counted and logged. The outermost ASGI application."""

import asyncio
import logging
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dropcast import logs
from dropcast.metrics import counts
from dropcast.metrics.values import LABELS_APART

logger = logging.getLogger(__name__)

REQUEST_ID = b"x-request-id"
_QUIET = ("/healthz", "/readyz")
"""Asked every few seconds by whoever watches the process: not worth a line."""
_CLIENT_GONE = 499
"""The status of a read that was cancelled because nobody could have got its answer; nginx has the same."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Requests:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = perf_counter()
        request = request_id(scope["headers"])
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID, request.encode())]
            await send(message)

        logs.about(request=request)
        try:
            await self._app(scope, receive, send_with_id)
        except asyncio.CancelledError:
            status = status or _CLIENT_GONE
            raise
        except Exception:
            # Starlette raises again what it has answered, and the handler of faults has logged it.
            if not status:
                raise
        finally:
            _count(scope, status or 500, began_s)


def request_id(headers: list[tuple[bytes, bytes]]) -> str:
    """Return the id that the client gave when it is sane, otherwise a new one."""
    for name, value in headers:
        if name == REQUEST_ID:
            return logs.sane_id(value.decode("latin-1")) if value else logs.new_id()
    return logs.new_id()


def count_refused(status: int) -> None:
    """Count a request that was answered before it reached the application."""
    counts.http_requests[LABELS_APART.join(("-", "-", str(status)))] += 1


def _count(scope: Scope, status: int, began_s: float) -> None:
    route = getattr(scope.get("route"), "path", "-")
    # Whatever stands where a method should must not make a label of its own.
    method = scope["method"] if scope["method"] in _METHODS else "-"
    counts.http_requests[LABELS_APART.join((method, route, str(status)))] += 1
    counts.http_s[route].since(began_s)
    level = logging.DEBUG if route in _QUIET else logging.INFO
    if logger.isEnabledFor(level):
        took_ms = (perf_counter() - began_s) * 1000
        # The path without its query, where somebody may have put what is secret.
        logger.log(level, "%s %s %d in %.1f ms", method, scope["path"], status, took_ms)
