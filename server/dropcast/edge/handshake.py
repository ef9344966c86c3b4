"""The websocket handshake of RFC 6455, section 4.2, from headers that were already parsed. Pure."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from dropcast.wire.codec import CODECS, JSON, Codec

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Headers = Sequence[tuple[bytes, bytes]]
"""Lower-case names, values as sent."""


class Accepted(NamedTuple):
    codec: Codec
    response: bytes


class Rejected(NamedTuple):
    response: bytes


def answer(headers: Headers) -> Accepted | Rejected:
    """Answer an upgrade request. Extensions are never taken: every frame stands alone."""
    if _values(headers, b"sec-websocket-version") != [b"13"]:
        return Rejected(
            response(426, "this server speaks websocket version 13", b"sec-websocket-version: 13\r\n")
        )
    keys = _values(headers, b"sec-websocket-key")
    if len(keys) != 1 or not _is_nonce(keys[0]):
        return Rejected(response(400, "sec-websocket-key must be 16 bytes in base64"))
    offered = [
        name.strip().decode("latin-1")
        for value in _values(headers, b"sec-websocket-protocol")
        for name in value.split(b",")
    ]
    codec = next((codec for name in offered for codec in CODECS if codec.subprotocol == name), None)
    if codec is None and offered:
        known = ", ".join(codec.subprotocol for codec in CODECS)
        return Rejected(response(400, f"no such subprotocol: this server speaks {known}"))
    accept = base64.b64encode(hashlib.sha1(keys[0] + _GUID, usedforsecurity=False).digest())
    chosen = b"sec-websocket-protocol: " + codec.subprotocol.encode() + b"\r\n" if codec is not None else b""
    head = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
    return Accepted(codec or JSON, head + b"sec-websocket-accept: " + accept + b"\r\n" + chosen + b"\r\n")


def with_request_id(response: bytes, request: str) -> bytes:
    """Return a response with the id that its request has in the logs."""
    status, end, rest = response.partition(b"\r\n")
    return status + end + b"x-request-id: " + request.encode() + end + rest


_PHRASES = {
    400: "Bad Request",
    403: "Forbidden",
    408: "Request Timeout",
    413: "Content Too Large",
    426: "Upgrade Required",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


def response(status: int, text: str, more_headers: bytes = b"") -> bytes:
    """Return a whole plain-text response that ends the connection."""
    body = text.encode() + b"\n"
    head = f"HTTP/1.1 {status} {_PHRASES[status]}\r\ncontent-type: text/plain; charset=utf-8\r\n"
    return (
        head.encode()
        + more_headers
        + f"content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
        + body
    )


def _values(headers: Headers, name: bytes) -> list[bytes]:
    return [value.strip() for key, value in headers if key == name]


def _is_nonce(key: bytes) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False
