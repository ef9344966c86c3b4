"""/healthz: the worker lives. /readyz: it can reach the engine."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dropcast.domain.faults import Fault
from dropcast.edge.http import table
from dropcast.edge.http.answers import Alive, Readiness
from dropcast.edge.http.exchange import answer
from dropcast.edge.http.operations import routes_of


def routes(ping: Callable[[], Awaitable[None]], version: str) -> list[Route]:
    """`ping` asks the engine and raises a Fault when it does not answer."""

    async def healthz(_request: Request) -> Response:
        return answer(Alive(status="ok", version=version))

    async def readyz(_request: Request) -> Response:
        try:
            await ping()
        except Fault as fault:
            return answer(Readiness(status="not ready", reason=fault.message), 503)
        return answer(Readiness(status="ready"))

    return routes_of(
        (table.ALIVE, healthz),
        (table.READY, readyz),
    )
