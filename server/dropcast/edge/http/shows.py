"""Shows: schedule, list, read, start, end, a snapshot, announcements."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dropcast.domain.faults import BadRequest
from dropcast.domain.ids import show_id
from dropcast.domain.ports import ShowStore
from dropcast.domain.show import Show
from dropcast.edge.http import table_shows as table
from dropcast.edge.http.answers import ShowNow, ShowPage
from dropcast.edge.http.bodies import NewShow
from dropcast.edge.http.exchange import (
    Exchange,
    InPieces,
    answer,
    answer_around,
    key_of,
    min_seq_of,
    next_after,
    page_of,
    path_id,
)
from dropcast.edge.http.operations import routes_of
from dropcast.service.hosting import Hosting
from dropcast.service.show_reader import Picture, ShowReader
from dropcast.service.showing import Showing
from dropcast.wire.codec import JSON
from dropcast.wire.commands import Announce
from dropcast.wire.fields import data_fault


def routes(
    exchange: Exchange, hosting: Hosting, showing: Showing, reader: ShowReader, store: ShowStore
) -> list[Route]:
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
        scheduled = await hosting.schedule(viewer, show)
        showing.wrote(show.id)
        return answer(scheduled, 201)

    async def listing(request: Request) -> Response:
        after, limit = page_of(request)
        async with reader.turn() as turn:
            items = await turn.ask(store.shows(after, limit))
        return answer(ShowPage(items=list(items), next=next_after(items, limit, lambda show: show.id)))

    async def one(request: Request) -> Response:
        show, min_seq = path_id(request, "show"), min_seq_of(request)
        meta = showing.meta_now(show, min_seq)
        if meta is None:
            meta = await showing.meta(show, min_seq)
        fields = msgspec.structs.asdict(meta.show)
        return answer(ShowNow(**fields, epoch=meta.epoch, seq=meta.seq, offset=meta.offset))

    async def start(request: Request) -> Response:
        show = path_id(request, "show")
        done = await hosting.start(exchange.known_viewer(request), show)
        showing.wrote(show, done.seq)
        return answer(done)

    async def end(request: Request) -> Response:
        show = path_id(request, "show")
        done = await hosting.end(exchange.known_viewer(request), show)
        showing.wrote(show, done.seq)
        return answer(done)

    async def snapshot(request: Request) -> Response:
        show, min_seq = path_id(request, "show"), min_seq_of(request)
        picture = showing.picture_now(show, min_seq)
        if picture is None:
            picture = await showing.picture(show, min_seq)
        return snapshot_of(picture)

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
        done = await hosting.announce(viewer, command)
        showing.wrote(command.show, done.seq)
        return answer(done, 201)

    return routes_of(
        (table.LIST_SHOWS, listing),
        (table.SCHEDULE_SHOW, schedule),
        (table.READ_SHOW, one),
        (table.START_SHOW, start),
        (table.END_SHOW, end),
        (table.READ_SNAPSHOT, snapshot),
        (table.ANNOUNCE, announce),
    )


def snapshot_of(picture: Picture) -> InPieces:
    """Answer with an `answers.Snapshot` whose state is encoded already, as it is for a viewer who joins."""
    state = picture.state
    tops = {"epoch": state.epoch, "seq": state.seq, "at_ms": picture.at_ms, "offset": state.offset}
    return answer_around(tops, "state", picture.encoded.whole(state, picture.viewers, JSON.index))
