"""The codes of the wire: error replies on a socket that goes on, and close codes that end it.

The server has the same tables; a contract test holds the two against each other. A close code's range says
whether to come back: 4000-4499 later, 4500-4999 not with the same words.
"""

from enum import IntEnum
from typing import NamedTuple

SUBPROTOCOL_JSON = "dropcast.v1.json"
SUBPROTOCOL_MSGPACK = "dropcast.v1.msgpack"


class ErrorCode(NamedTuple):
    meaning: str
    temporary: bool


ERRORS: dict[str, ErrorCode] = {
    "bad_message": ErrorCode("not a message of this protocol", False),
    "bad_request": ErrorCode("a field is missing or out of its bounds", False),
    "unknown_type": ErrorCode("no command has this type", False),
    "hello_first": ErrorCode("the first command must be hello", False),
    "hello_twice": ErrorCode("hello was said before; auth renews a token", False),
    "unauthorized": ErrorCode("the token is missing or not valid", False),
    "token_expired": ErrorCode("the token has expired", False),
    "forbidden": ErrorCode("this viewer may not do that", False),
    "not_found": ErrorCode("there is no such thing", False),
    "banned": ErrorCode("this viewer is banned from the show", False),
    "rate_limited": ErrorCode("too many commands; slow down", True),
    "conflict": ErrorCode("the key or the state does not allow it", False),
    "too_large": ErrorCode("more than may be sent at once", False),
    "payment": ErrorCode("the payment provider did not answer; ask again", True),
    "engine": ErrorCode("the engine failed", True),
    "engine_away": ErrorCode("the engine cannot be reached; the outcome may be unknown", True),
    "engine_full": ErrorCode("the engine is out of memory; nothing was changed", True),
    "engine_unfit": ErrorCode("the engine is too old or wrongly configured", False),
    "internal": ErrorCode("a fault of ours", True),
}

ERRORS_OPEN = frozenset({"payment", "engine", "engine_away", "internal"})
"""Errors that do not say whether the command was carried out."""


class Close(IntEnum):
    """Close codes that the server sends. Below 4000: those of RFC 6455."""

    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    INVALID_UTF8 = 1007
    MESSAGE_TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    GOING_AWAY = 4000
    SLOW = 4001
    HELLO_TIMEOUT = 4002
    TOKEN_EXPIRED = 4003
    TOO_MANY_CONNECTIONS = 4004
    FLOOD = 4005
    BAD_MESSAGE = 4500
    UNAUTHORIZED = 4501


class Local(IntEnum):
    """Codes of the SDK itself, beside close codes (1000 and above) and HTTP statuses (100-599)."""

    CLOSED = 0
    """`close()` was called, or `connect()` was not yet."""
    ASKED = 1
    """`connect()` was called."""
    WELCOME = 2
    """The server said welcome."""
    LOST = 3
    """The socket failed, or ended without a close code."""
    SILENT = 4
    """Nothing was heard for too long."""
    NO_WELCOME = 5
    """No connection, or no welcome on it, in time."""
    TOKEN = 6
    """The application's token callable failed."""
    HELLO_REFUSED = 7
    """The server answered hello with an error; the reason begins with its code."""
    BAD_MESSAGE = 8
    """The server sent something that is no message of this protocol."""
    NO_SUBPROTOCOL = 9
    """The server does not speak the codec that was asked for."""


_NEVER = frozenset({1002, 1003, 1007, 1009, Local.CLOSED, Local.NO_SUBPROTOCOL})
_HTTP_LATER = frozenset({408, 425, 429})


def may_come_back(code: int) -> bool:
    """Whether a client should reconnect by itself after `code`: a close code, an HTTP status or a `Local`."""
    if 400 <= code <= 499:
        return code in _HTTP_LATER
    return not 4500 <= code <= 4999 and code not in _NEVER
