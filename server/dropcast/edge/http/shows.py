"""Shows: schedule, list, read, start, end, a snapshot, announcements."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dropcast.domain.faults import BadRequest
from dropcast.domain.ids import show_id
from dropcast.domain.ports import ShowStore
from dropcast.domain.show import Show
from dropcast.domain.state import ShowState
from dropcast.edge.http.exchange import Exchange, answer, key_of, page, page_of, path_id
from dropcast.service import views
from dropcast.service.hosting import Hosting
from dropcast.service.stage import Stage
from dropcast.wire.commands import Announce
from dropcast.wire.fields import Id, data_fault

Name = Annotated[str, Meta(min_length=1, max_length=128)]


class NewShow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of POST /v1/shows. Without an `id` one follows from the creator and the Idempotency-Key."""

    title: Annotated[str, Meta(min_length=1, max_length=200)]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    id: Id | None = None
    creator: Name | None = None
    """For operators: whose show it is; a creator's own otherwise."""
    moderators: Annotated[tuple[Name, ...], Meta(max_length=50)] = ()
    starts_at_ms: Annotated[int, Meta(ge=0, le=2**53 - 1)] = 0


def routes(exchange: Exchange, hosting: Hosting, stage: Stage, store: ShowStore) -> list[Route]:
    async def schedule(request: Request) -> Response:
        viewer = exchange.known_viewer(request)
        body = await exchange.body(request, NewShow)
        creator = body.creator if body.creator is not None else viewer.id
        show = Show(
            id=body.id if body.id is not None else show_id(creator, key_of(request)),
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
        return page(items, limit, items[-1].id if items else "")

    async def one(request: Request) -> Response:
        return answer(await stage.show(path_id(request, "show")))

    async def start(request: Request) -> Response:
        return answer(await hosting.start(exchange.known_viewer(request), path_id(request, "show")))

    async def end(request: Request) -> Response:
        return answer(await hosting.end(exchange.known_viewer(request), path_id(request, "show")))

    async def snapshot(request: Request) -> Response:
        read = await store.read(path_id(request, "show"))
        view = views.state_view(ShowState(read), await stage.viewers(read.show.id))
        return answer({"epoch": read.epoch, "seq": read.seq, "at_ms": read.at_ms, "state": view})

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

    return [
        Route("/v1/shows", listing),
        Route("/v1/shows", schedule, methods=["POST"]),
        Route("/v1/shows/{show}", one),
        Route("/v1/shows/{show}/start", start, methods=["POST"]),
        Route("/v1/shows/{show}/end", end, methods=["POST"]),
        Route("/v1/shows/{show}/snapshot", snapshot),
        Route("/v1/shows/{show}/announcements", announce, methods=["POST"]),
    ]
