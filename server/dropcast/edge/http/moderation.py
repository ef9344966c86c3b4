"""Moderation: freeze and thaw a show's sales, mute and ban viewers."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dropcast.edge.http import table_shows as table
from dropcast.edge.http.exchange import Exchange, answer, path_id
from dropcast.edge.http.operations import routes_of
from dropcast.service.hosting import Hosting
from dropcast.service.showing import Showing
from dropcast.wire.commands import Ban, Mute


def routes(exchange: Exchange, hosting: Hosting, showing: Showing) -> list[Route]:
    async def freeze(request: Request) -> Response:
        show = path_id(request, "show")
        done = await hosting.freeze(exchange.known_viewer(request), show)
        showing.wrote(show, done.seq)
        return answer(done)

    async def thaw(request: Request) -> Response:
        show = path_id(request, "show")
        done = await hosting.thaw(exchange.known_viewer(request), show)
        showing.wrote(show, done.seq)
        return answer(done)

    async def mute(request: Request) -> Response:
        viewer = exchange.known_viewer(request)
        body = await exchange.body(request, Mute, type="mute", id=0, show=path_id(request, "show"))
        return answer(await hosting.mute(viewer, body.show, body.viewer, body.mute))

    async def ban(request: Request) -> Response:
        viewer = exchange.known_viewer(request)
        body = await exchange.body(request, Ban, type="ban", id=0, show=path_id(request, "show"))
        return answer(await hosting.ban(viewer, body.show, body.viewer, body.ban))

    return routes_of(
        (table.FREEZE, freeze),
        (table.THAW, thaw),
        (table.MUTE, mute),
        (table.BAN, ban),
    )
