"""Drops, for back offices: list, pin, update, unpin."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dropcast.domain.ports import ShowStore
from dropcast.domain.state import ShowState
from dropcast.edge.http import table
from dropcast.edge.http.answers import DropPage, Pinned
from dropcast.edge.http.exchange import Exchange, answer, key_of, next_after, page_of, path_id
from dropcast.edge.http.operations import routes_of
from dropcast.service import views
from dropcast.service.hosting import Hosting
from dropcast.wire.commands import Pin, Unpin, Update


def routes(exchange: Exchange, hosting: Hosting, store: ShowStore) -> list[Route]:
    async def listing(request: Request) -> Response:
        after, limit = page_of(request)
        state = ShowState(await store.read(path_id(request, "show")))
        ids = sorted(drop for drop in state.drops if drop > after)[:limit]
        items = [views.drop_view(state.drops[drop], state.stock[drop]) for drop in ids]
        return answer(DropPage(items=items, next=next_after(ids, limit, str)))

    async def pin(request: Request) -> Response:
        viewer = exchange.known_viewer(request)
        command = await exchange.body(
            request, Pin, type="pin", id=0, show=path_id(request, "show"), key=key_of(request)
        )
        drop, done = await hosting.pin(viewer, command)
        return answer(Pinned(drop=drop, seq=done.seq, again=done.again), 200 if done.again else 201)

    async def update(request: Request) -> Response:
        viewer = exchange.known_viewer(request)
        show, drop = path_id(request, "show"), path_id(request, "drop")
        command = await exchange.body(
            request, Update, type="update", id=0, show=show, drop=drop, key=key_of(request)
        )
        return answer(await hosting.update(viewer, command))

    async def unpin(request: Request) -> Response:
        viewer = exchange.known_viewer(request)
        command = await exchange.body(
            request,
            Unpin,
            type="unpin",
            id=0,
            show=path_id(request, "show"),
            drop=path_id(request, "drop"),
            key=key_of(request),
        )
        return answer(await hosting.unpin(viewer, command))

    return routes_of(
        (table.LIST_DROPS, listing),
        (table.PIN, pin),
        (table.UPDATE, update),
        (table.UNPIN, unpin),
    )
