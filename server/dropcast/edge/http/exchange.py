"""What every route needs: who asks, the body within its bounds, pages, JSON answers, faults as answers."""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dropcast import logs
from dropcast.domain.faults import BadRequest, Fault, RateLimited
from dropcast.domain.ids import KEY_CHARS_MAX
from dropcast.domain.viewer import ANONYMOUS, Viewer
from dropcast.edge.http.answers import ErrorAnswer, ErrorBody
from dropcast.edge.tokens import TokenFault, Verifier
from dropcast.metrics import counts
from dropcast.settings import Settings
from dropcast.wire.codes import ERRORS
from dropcast.wire.fields import DATA_DEPTH_MAX, INTEGER_MAX, Key

logger = logging.getLogger(__name__)

PAGE_ITEMS_MAX = 200
PAGE_ITEMS = 50
_BAD_KEY = f"an Idempotency-Key has 1 to {KEY_CHARS_MAX} characters, and no control characters"

T = TypeVar("T")


class HttpFault(Exception):
    """An answer that is an error. `code` is one of wire.codes.ERRORS."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def answer(body: Any, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")


class InPieces(Response):
    """An answer that is sent in pieces, as they are: a large one that others share is neither copied nor kept twice."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        length = str(sum(map(len, pieces)))
        super().__init__(headers={"content-length": length}, media_type="application/json")
        self.pieces = pieces

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for piece in self.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def answer_around(body: dict[str, Any], name: str, encoded: bytes) -> InPieces:
    """Answer with JSON: `body`, and under `name` a large value that is encoded already."""
    return InPieces([msgspec.json.encode(body)[:-1] + b',"' + name.encode() + b'":', encoded, b"}"])


def error(code: str, message: str, retry_after_s: int = 0) -> Response:
    known = ERRORS[code]
    headers = {"www-authenticate": "Bearer"} if known.http_status == 401 else None
    if retry_after_s:
        headers = {"retry-after": str(retry_after_s)}
    body = ErrorBody(code=code, message=message, temporary=known.temporary)
    return _error_answer(body, known.http_status, headers)


def _error_answer(body: ErrorBody, status: int, headers: Mapping[str, str] | None) -> Response:
    counts.errors[body.code] += 1
    encoded = msgspec.json.encode(ErrorAnswer(error=body))
    return Response(encoded, status, media_type="application/json", headers=headers)


async def too_many_requests(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer in the application's place: an address has too many connections, or requests under way."""
    await error("rate_limited", "too many connections or requests from this address")(scope, receive, send)


async def on_fault(_request: Request, raised: Exception) -> Response:
    """Answer for whatever a route raised."""
    if isinstance(raised, RateLimited):
        return error(raised.code, raised.message, raised.retry_after_s)
    if isinstance(raised, HttpFault | TokenFault | Fault):
        return error(raised.code, raised.message)
    if isinstance(raised, HTTPException):
        code = "not_found" if raised.status_code == 404 else "bad_request"
        body = ErrorBody(code=code, message=raised.detail, temporary=False)
        return _error_answer(body, raised.status_code, raised.headers)
    if isinstance(raised, ClientDisconnect):
        return error("bad_message", "the client went away")  # nobody is there to read it
    logger.error("a request failed", exc_info=raised)
    return error("internal", "a fault of ours")


class Exchange:
    """Reads requests for the routes of one worker."""

    def __init__(self, *, verifier: Verifier, settings: Settings) -> None:
        self._verifier = verifier
        self._body_bytes_max = settings.body_bytes_max
        self._json_bytes_max = min(settings.json_body_bytes_max, settings.body_bytes_max)

    def viewer(self, request: Request) -> Viewer:
        """Return who asks: the bearer of a token, or an anonymous viewer. Raises TokenFault."""
        header = request.headers.get("authorization")
        if header is None:
            return ANONYMOUS
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenFault("unauthorized", "the authorization header must be `Bearer` and a token")
        viewer = self._verifier.verify(token.strip())
        logs.about(viewer=viewer.id)
        return viewer

    def known_viewer(self, request: Request) -> Viewer:
        """Return who asks; an anonymous viewer is refused."""
        viewer = self.viewer(request)
        if viewer is ANONYMOUS:
            raise TokenFault("unauthorized", "a token is required")
        return viewer

    async def raw_body(self, request: Request) -> bytes:
        """Return the body. Raises too_large as soon as it is."""
        return await _read(request, self._body_bytes_max)

    async def body(self, request: Request, kind: type[T], **more: Any) -> T:
        """Return the JSON body as `kind`; `more` are fields that the path and the headers give."""
        raw = await _read(request, self._json_bytes_max)
        try:
            fields = msgspec.json.decode(raw or b"{}")
            if not isinstance(fields, dict):
                raise HttpFault("bad_request", "the body must be an object")
            return msgspec.convert({**fields, **more}, kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as bad:
            raise HttpFault("bad_request", str(bad)) from bad
        except RecursionError as bad:
            raise HttpFault("bad_request", f"the body nests deeper than {DATA_DEPTH_MAX} levels") from bad


async def _read(request: Request, bytes_max: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > bytes_max:
            raise HttpFault("too_large", f"this body has {bytes_max} bytes at most")
        chunks.append(chunk)
    return b"".join(chunks)


def key_of(request: Request) -> str:
    """Return the request's Idempotency-Key; without one, a key that no other request has."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return "http-" + secrets.token_hex(12)
    try:
        return msgspec.convert(key, Key)
    except msgspec.ValidationError as bad:
        raise HttpFault("bad_request", _BAD_KEY) from bad


def page_of(request: Request) -> tuple[str, int]:
    """Return `after` and `limit` from the query."""
    text = request.query_params.get("limit", str(PAGE_ITEMS))
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= PAGE_ITEMS_MAX):
        raise HttpFault("bad_request", f"limit is a whole number from 1 to {PAGE_ITEMS_MAX}")
    return request.query_params.get("after", ""), int(text)


def min_seq_of(request: Request) -> int:
    """Return `min_seq` from the query, 0 when it is not given."""
    text = request.query_params.get("min_seq", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= INTEGER_MAX):
        raise HttpFault("bad_request", f"min_seq is a whole number from 0 to {INTEGER_MAX}")
    return int(text)


def next_after(items: Sequence[T], limit: int, name: Callable[[T], str]) -> str | None:
    """Return what `after` must be for the page after `items`; None when they are the last ones."""
    return name(items[-1]) if len(items) == limit else None


def path_id(request: Request, name: str) -> str:
    """Return an id from the path. Raises BadRequest when it cannot be one."""
    text: str = request.path_params[name]
    if len(text) > 255 or not text.isprintable():
        raise BadRequest(f"{name} is not an id")
    if name in logs.IDS:
        logs.about(**{name: text})
    return text
