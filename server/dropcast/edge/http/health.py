"""/healthz: the worker lives. /readyz: it can reach the engine."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dropcast.domain.faults import Fault
from dropcast.edge.http.exchange import answer


def routes(ping: Callable[[], Awaitable[None]], version: str) -> list[Route]:
    """`ping` asks the engine and raises a Fault when it does not answer."""

    async def healthz(_request: Request) -> Response:
        return answer({"status": "ok", "version": version})

    async def readyz(_request: Request) -> Response:
        try:
            await ping()
        except Fault as fault:
            return answer({"status": "not ready", "reason": fault.message}, 503)
        return answer({"status": "ready"})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
