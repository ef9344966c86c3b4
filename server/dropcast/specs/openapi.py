"""The OpenAPI 3.1 document of the HTTP API, from the table of operations and the structs that it names."""

from http import HTTPStatus
from typing import Any

from dropcast import __version__
from dropcast.domain.viewer import Role
from dropcast.edge.http.answers import ErrorAnswer
from dropcast.edge.http.operations import Operation, Tag
from dropcast.edge.http.table import OPERATIONS
from dropcast.specs import examples, schemas
from dropcast.specs.schemas import Schema
from dropcast.wire.codes import ERRORS
from dropcast.wire.fields import Handle, Id, Key

_ABOUT = """\
What a back office does over HTTP: the catalogue, shows, drops, announcements, snapshots, health. Viewers and the \
creator's app speak on the socket instead, see client_sdk/spec/protocol.md and asyncapi.json.

Money is in minor units of the show's currency (2900 is 29.00 EUR, 2900 JPY is 2900 yen), times are the engine's in \
milliseconds since 1970, integers fit 53 bits. A field that is not known is to be ignored: answers may get more of \
them.

**Tokens.** `Authorization: Bearer` and a JSON Web Token with `sub` (the viewer's id), `role`, `aud`, `iss` and \
`exp`; never in a URL.

**Retries.** A request with an `Idempotency-Key` may be repeated under it: it takes effect once. After an answer of \
500 or above, or none, repeat it under its key to learn what became of it.

**Errors.** Every answer of 400 or above is `{"error": {code, message, temporary}}`, except where a request is \
refused before it was understood as HTTP: that is plain text.

**Logs.** Every other answer has an `X-Request-Id`, by which the server's logs tell of it; a client may send one.

**Pages.** A list is answered `{"items": [...], "next": ...}`. Say `next` as `after` to get the following page; it \
is null at the end."""

_TAGS = {
    Tag.CATALOGUE: "Products that can be pinned.",
    Tag.SHOWS: "Livestreams: scheduled, live, ended.",
    Tag.DROPS: "Products pinned in a show, with units of their own.",
    Tag.HEALTH: "For what watches over the workers.",
}

_PATH_PARAMETERS: dict[str, tuple[Any, str]] = {
    "show": (Id, "Id of the show."),
    "drop": (Id, "Id of the drop."),
    "handle": (Handle, "The product's handle."),
}

_EVERYWHERE = ("internal", "rate_limited")
"""What any operation may be answered with."""

_NAMES = {
    400: "BadMessage",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    413: "TooLarge",
    422: "BadRequest",
    429: "RateLimited",
    500: "Internal",
    502: "PaymentUnknown",
    503: "EngineFault",
}
"""What the shared answers are called, by status."""

_REFUSED_EARLY = {
    400: ("NotHttp", "The request is not proper HTTP.", "not an HTTP request"),
    408: ("TooSlow", "The request's head or body took too long.", "the request's head took too long"),
    413: ("BodyTooLarge", "The request's body is too large.", "a body has 8388608 bytes at most"),
    431: ("HeadTooLarge", "The request's head is too large.", "the request's head is too large"),
    503: ("NoRoom", "The worker has no room left.", "this worker has no room for another connection"),
}
"""Answers in plain text, given before there is a request: component, meaning, example."""


def document() -> Schema:
    """Return the document, as what JSON has."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dropcast",
            "version": __version__,
            "summary": "The HTTP API of a live shopping engine.",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "http://localhost:8470", "description": "`dropcast serve` with its defaults."}],
        "tags": [{"name": tag.value, "description": about} for tag, about in _TAGS.items()],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "responses": _responses(),
            "headers": _HEADERS,
            "parameters": {"IdempotencyKey": _IDEMPOTENCY_KEY},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": (
                        "A JSON Web Token. Its `role` is one of "
                        + ", ".join(_roles(tuple(Role)))
                        + "; without one "
                        "it is viewer. `dropcast token` mints one with the server's secret."
                    ),
                }
            },
        },
    }


_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": (
        "Makes the request repeatable: the same request under the same key takes effect once, and another one is a "
        "`conflict`. Without it every request is a new wish."
    ),
    "schema": schemas.of_type(Key),
    "example": "scarf-1",
}

_HEADERS = {
    "RequestId": {
        "description": "By which the server's logs tell of the request: the client's own, or a new one.",
        "schema": {"type": "string"},
    },
    "WwwAuthenticate": {
        "description": "How to authenticate: by a bearer token.",
        "schema": {"type": "string", "const": "Bearer"},
    },
    "RetryAfter": {"description": "In how many seconds the same may pass.", "schema": {"type": "integer"}},
}


_REQUEST_ID = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
_WWW_AUTHENTICATE = {"$ref": "#/components/headers/WwwAuthenticate"}


def _paths() -> Schema:
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return paths


def _operation(operation: Operation) -> Schema:
    told: Schema = {
        "operationId": operation.id,
        "tags": [operation.tag.value],
        "summary": operation.summary,
        "description": f"{operation.about}\n\n{_who(operation)}",
        "security": [{"token": []}] if operation.roles else [],
        "parameters": _parameters(operation),
        "responses": _responses_of(operation),
    }
    if operation.body is not None:
        content: Schema = {
            "schema": schemas.of_type(operation.body.type),
            "example": examples.BODIES[operation.id],
        }
        if operation.body.given:
            content["schema"] = {"$ref": schemas.REF.format(name=_body_name(operation))}
        told["requestBody"] = {
            "description": operation.body.about,
            "required": True,
            "content": {operation.body.media_type: content},
        }
    return told


def _who(operation: Operation) -> str:
    if not operation.roles:
        return "For anyone, without a token."
    *others, last = _roles(operation.roles)
    return f"For {', '.join(others)} and {last} tokens." if others else f"For {last} tokens."


def _roles(roles: tuple[Role, ...]) -> list[str]:
    return [role.value for role in roles if role is not Role.ANONYMOUS]


def _parameters(operation: Operation) -> list[Schema]:
    found = [
        {"name": name, "in": "path", "required": True, "description": about, "schema": schemas.of_type(kind)}
        for name, (kind, about) in _PATH_PARAMETERS.items()
        if f"{{{name}}}" in operation.path
    ]
    for query in operation.query:
        schema = schemas.of_type(query.type)
        if query.default is not None:
            schema["default"] = query.default
        found.append(
            {
                "name": query.name,
                "in": "query",
                "required": query.required,
                "description": query.about,
                "schema": schema,
            }
        )
    if operation.keyed:
        found.append({"$ref": "#/components/parameters/IdempotencyKey"})
    return found


def _responses_of(operation: Operation) -> Schema:
    found: dict[int, Schema] = {
        status: {
            "description": answer.about,
            "headers": _REQUEST_ID,
            "content": {
                "application/json": {
                    "schema": schemas.of_type(answer.type),
                    "example": examples.answer(operation.id, status),
                }
            },
        }
        for status, answer in operation.answers.items()
    }
    for code in (*operation.errors, *_EVERYWHERE):
        status = ERRORS[code].http_status
        found.setdefault(status, {"$ref": f"#/components/responses/{_response_name(status)}"})
    for status, (name, _, _) in _REFUSED_EARLY.items():
        found.setdefault(status, {"$ref": f"#/components/responses/{name}"})
    return {str(status): found[status] for status in sorted(found)}


def _responses() -> Schema:
    """Return the shared answers: one for each status that errors have, and those in plain text."""
    used = {code for operation in OPERATIONS for code in (*operation.errors, *_EVERYWHERE)}
    found: Schema = {}
    for status in sorted({ERRORS[code].http_status for code in used}):
        codes = [code for code in ERRORS if code in used and ERRORS[code].http_status == status]
        told: Schema = {
            "description": " ".join(f"`{code}`: {ERRORS[code].meaning}." for code in codes),
            "headers": _REQUEST_ID,
            "content": {
                "application/json": {
                    "schema": schemas.ref(ErrorAnswer),
                    "examples": {code: {"value": _error(code)} for code in codes},
                }
            },
        }
        if status == HTTPStatus.UNAUTHORIZED:
            told["headers"] = {**_REQUEST_ID, "WWW-Authenticate": _WWW_AUTHENTICATE}
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            told["headers"] = {**_REQUEST_ID, "Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
        found[_response_name(status)] = told
    for name, about, text in _REFUSED_EARLY.values():
        content = {"text/plain": {"schema": {"type": "string"}, "example": text + "\n"}}
        found[name] = {"description": about, "content": content}
    return found


def _error(code: str) -> Schema:
    error = ERRORS[code]
    return {"error": {"code": code, "message": error.meaning, "temporary": error.temporary}}


def _response_name(status: int) -> str:
    return _NAMES[status]


def _schemas() -> dict[str, Schema]:
    bodies = [operation.body for operation in OPERATIONS if operation.body is not None]
    taken = [body.type for body in bodies]
    sent = [answer.type for operation in OPERATIONS for answer in operation.answers.values()]
    found = schemas.components(taken, [*sent, ErrorAnswer])
    found["ErrorBody"]["properties"]["code"]["enum"] = list(ERRORS)
    for operation in OPERATIONS:
        if operation.body is not None and operation.body.given:
            whole = found.pop(operation.body.type.__name__)
            found[_body_name(operation)] = _without(whole, operation.body.given)
    return dict(sorted(found.items()))


def _body_name(operation: Operation) -> str:
    assert operation.body is not None
    return f"{operation.body.type.__name__}Body"


def _without(schema: Schema, given: tuple[str, ...]) -> Schema:
    """Return a command's schema without the fields that do not stand in the body."""
    return {
        **schema,
        "title": schema["title"] + "Body",
        "properties": {name: field for name, field in schema["properties"].items() if name not in given},
        "required": [name for name in schema["required"] if name not in given],
    }
