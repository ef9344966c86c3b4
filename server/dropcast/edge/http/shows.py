"""Shows: schedule, list, read, start, end, a snapshot, announcements."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dropcast.domain.faults import BadRequest
from dropcast.domain.ids import show_id
from dropcast.domain.ports import ShowStore
from dropcast.domain.show import Show
from dropcast.domain.state import ShowState
from dropcast.edge.http import table_shows as table
from dropcast.edge.http.answers import ShowPage, Snapshot
from dropcast.edge.http.bodies import NewShow
from dropcast.edge.http.exchange import Exchange, answer, key_of, next_after, page_of, path_id
from dropcast.edge.http.operations import routes_of
from dropcast.service import views
from dropcast.service.hosting import Hosting
from dropcast.service.stage import Stage
from dropcast.wire.commands import Announce
from dropcast.wire.fields import data_fault


def routes(exchange: Exchange, hosting: Hosting, stage: Stage, store: ShowStore) -> list[Route]:
    async def schedule(request: Request) -> Response:
        viewer = exchange.known_viewer(request)
        key, body = key_of(request), await exchange.body(request, NewShow)
        creator = body.creator if body.creator is not None else viewer.id
        show = Show(
            id=body.id if body.id is not None else show_id(creator, key),
            title=body.title,
            creator=creator,
            moderators=body.moderators,
            currency=body.currency,
            starts_at_ms=body.starts_at_ms,
        )
        return answer(await hosting.schedule(viewer, show), 201)

    async def listing(request: Request) -> Response:
        after, limit = page_of(request)
        items = await store.shows(after, limit)
        return answer(ShowPage(items=list(items), next=next_after(items, limit, lambda show: show.id)))

    async def one(request: Request) -> Response:
        return answer(await stage.show(path_id(request, "show")))

    async def start(request: Request) -> Response:
        return answer(await hosting.start(exchange.known_viewer(request), path_id(request, "show")))

    async def end(request: Request) -> Response:
        return answer(await hosting.end(exchange.known_viewer(request), path_id(request, "show")))

    async def snapshot(request: Request) -> Response:
        read = await store.read(path_id(request, "show"))
        view = views.state_view(ShowState(read), await stage.viewers(read.show.id))
        return answer(Snapshot(epoch=read.epoch, seq=read.seq, at_ms=read.at_ms, state=view))

    async def announce(request: Request) -> Response:
        viewer = exchange.known_viewer(request)
        more: dict[str, Any] = {
            "type": "announce",
            "id": 0,
            "show": path_id(request, "show"),
            "key": key_of(request),
        }
        command = await exchange.body(request, Announce, **more)
        fault = data_fault(command.data)
        if fault is not None:
            raise BadRequest(fault)
        return answer(await hosting.announce(viewer, command), 201)

    return routes_of(
        (table.LIST_SHOWS, listing),
        (table.SCHEDULE_SHOW, schedule),
        (table.READ_SHOW, one),
        (table.START_SHOW, start),
        (table.END_SHOW, end),
        (table.READ_SNAPSHOT, snapshot),
        (table.ANNOUNCE, announce),
    )
