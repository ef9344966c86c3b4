"""What an HTTP operation is. The table of them is in table.py; `routes_of` makes Starlette routes of them.

The routes and the OpenAPI document are made of the same table, so that neither can have what the other has not.
"""

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dropcast.domain.viewer import Role

Endpoint = Callable[[Request], Awaitable[Response]]


class Tag(Enum):
    """The chapters of the HTTP API."""

    CATALOGUE = "catalogue"
    SHOWS = "shows"
    DROPS = "drops"
    HEALTH = "health"


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of the query."""

    name: str
    type: Any
    about: str
    required: bool = False
    default: int | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is no error."""

    type: Any
    """The struct that is sent."""
    about: str


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """The body that an operation takes. Without a type it is taken as it comes."""

    type: Any
    about: str
    given: tuple[str, ...] = ()
    """Fields of the type that the path and the headers give, or that only the socket has."""
    media_type: str = "application/json"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of the HTTP API."""

    id: str
    method: str
    path: str
    tag: Tag
    summary: str
    about: str
    answers: dict[int, Answer]
    errors: tuple[str, ...] = ()
    """Codes of wire.codes.ERRORS that it may be answered with, beside those that every operation has."""
    roles: tuple[Role, ...] = ()
    """Who may do it; empty: anyone, without a token."""
    query: tuple[Query, ...] = ()
    body: Body | None = None
    keyed: bool = False
    """Whether it takes an Idempotency-Key."""


def routes_of(*served: tuple[Operation, Endpoint]) -> list[Route]:
    """Return a route for each path, so that a wrong method is answered with all the methods that there are."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for operation, endpoint in served:
        by_path.setdefault(operation.path, {})[operation.method] = endpoint
    return [Route(path, _by_method(methods), methods=list(methods)) for path, methods in by_path.items()]


def _by_method(methods: dict[str, Endpoint]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        # Starlette lets HEAD through wherever GET may pass, and takes the body off its answer.
        return await methods["GET" if request.method == "HEAD" else request.method](request)

    return endpoint
