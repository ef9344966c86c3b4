"""Drops, for back offices: list, pin, update, unpin."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dropcast.edge.http import table
from dropcast.edge.http.answers import Pinned
from dropcast.edge.http.exchange import (
    Exchange,
    answer,
    key_of,
    min_seq_of,
    next_after,
    page_of,
    path_id,
)
from dropcast.edge.http.operations import routes_of
from dropcast.service.hosting import Hosting
from dropcast.service.show_reader import Picture
from dropcast.service.showing import Showing
from dropcast.wire.codec import JSON
from dropcast.wire.commands import Pin, Unpin, Update


def routes(exchange: Exchange, hosting: Hosting, showing: Showing) -> list[Route]:
    async def listing(request: Request) -> Response:
        after, limit = page_of(request)
        show, min_seq = path_id(request, "show"), min_seq_of(request)
        picture = showing.picture_now(show, min_seq)
        if picture is None:
            picture = await showing.picture(show, min_seq)
        return answer(page_of_drops(picture, after, limit))

    async def pin(request: Request) -> Response:
        viewer = exchange.known_viewer(request)
        command = await exchange.body(
            request, Pin, type="pin", id=0, show=path_id(request, "show"), key=key_of(request)
        )
        drop, done = await hosting.pin(viewer, command)
        showing.wrote(command.show, done.seq)
        return answer(Pinned(drop=drop, seq=done.seq, again=done.again), 200 if done.again else 201)

    async def update(request: Request) -> Response:
        viewer = exchange.known_viewer(request)
        show, drop = path_id(request, "show"), path_id(request, "drop")
        command = await exchange.body(
            request, Update, type="update", id=0, show=show, drop=drop, key=key_of(request)
        )
        done = await hosting.update(viewer, command)
        showing.wrote(show, done.seq)
        return answer(done)

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
        done = await hosting.unpin(viewer, command)
        showing.wrote(command.show, done.seq)
        return answer(done)

    return routes_of(
        (table.LIST_DROPS, listing),
        (table.PIN, pin),
        (table.UPDATE, update),
        (table.UNPIN, unpin),
    )


def page_of_drops(picture: Picture, after: str, limit: int) -> dict[str, Any]:
    """Return an `answers.DropPage` whose drops are encoded already."""
    state = picture.state
    ids = sorted(drop for drop in state.drops if drop > after)[:limit]
    return {
        "items": [picture.encoded.drop(state, drop, JSON.index) for drop in ids],
        "next": next_after(ids, limit, str),
        "epoch": state.epoch,
        "seq": state.seq,
        "offset": state.offset,
    }
