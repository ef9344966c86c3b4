"""Two kinds of failure: error replies on a socket that goes on, and close codes that end it.

A close code's range says whether to come back: 4000-4499 later, 4500-4999 not with the same words.
"""

from enum import IntEnum
from typing import NamedTuple

SUBPROTOCOL_JSON = "dropcast.v1.json"
SUBPROTOCOL_MSGPACK = "dropcast.v1.msgpack"


class ErrorCode(NamedTuple):
    meaning: str
    temporary: bool
    http_status: int


ERRORS: dict[str, ErrorCode] = {
    "bad_message": ErrorCode("not a message of this protocol", False, 400),
    "bad_request": ErrorCode("a field is missing or out of its bounds", False, 422),
    "unknown_type": ErrorCode("no command has this type", False, 400),
    "hello_first": ErrorCode("the first command must be hello", False, 400),
    "hello_twice": ErrorCode("hello was said before; auth renews a token", False, 400),
    "unauthorized": ErrorCode("the token is missing or not valid", False, 401),
    "token_expired": ErrorCode("the token has expired", False, 401),
    "forbidden": ErrorCode("this viewer may not do that", False, 403),
    "not_found": ErrorCode("there is no such thing", False, 404),
    "banned": ErrorCode("this viewer is banned from the show", False, 403),
    "rate_limited": ErrorCode("too many commands; slow down", True, 429),
    "conflict": ErrorCode("the key or the state does not allow it", False, 409),
    "too_large": ErrorCode("more than may be sent at once", False, 413),
    "payment": ErrorCode("the payment provider did not answer; ask again", True, 502),
    "engine": ErrorCode("the engine failed", True, 503),
    "engine_away": ErrorCode("the engine cannot be reached; the outcome may be unknown", True, 503),
    "engine_full": ErrorCode("the engine is out of memory; nothing was changed", True, 503),
    "engine_unfit": ErrorCode("the engine is too old or wrongly configured", False, 503),
    "internal": ErrorCode("a fault of ours", True, 500),
}


class Close(IntEnum):
    """Close codes. Below 4000: those of RFC 6455."""

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


CLOSE_REASONS: dict[Close, str] = {
    Close.PROTOCOL_ERROR: "not a websocket frame that may stand here",
    Close.UNSUPPORTED_DATA: "text frames on the JSON protocol, binary frames on MessagePack",
    Close.INVALID_UTF8: "not UTF-8",
    Close.MESSAGE_TOO_BIG: "message too big",
    Close.INTERNAL_ERROR: "a fault of ours",
    Close.GOING_AWAY: "this worker is going away: come back",
    Close.SLOW: "too slow to follow: come back",
    Close.HELLO_TIMEOUT: "no hello in time",
    Close.TOKEN_EXPIRED: "the token has expired: come back with a fresh one",
    Close.TOO_MANY_CONNECTIONS: "too many connections, from this address or in all: come back later",
    Close.FLOOD: "too many commands, pings or fragments: come back slower",
    Close.BAD_MESSAGE: "too many messages that are none",
    Close.UNAUTHORIZED: "the token is not valid",
}


def may_come_back(code: int) -> bool:
    """Whether a client should reconnect by itself after `code`."""
    return not 4500 <= code <= 4999 and code not in (1002, 1003, 1007, 1009)


REFUSALS: dict[str, str] = {
    "sold_out": "not enough units are free",
    "limit": "the viewer would have more of this drop than one viewer may",
    "too_many_holds": "the viewer has made too many holds in this show",
    "closed": "the drop is closed",
    "not_live": "the show is not live",
    "not_open": "the drop opens later",
    "frozen": "sales of the show are frozen",
    "muted": "the viewer may reserve nothing in this show",
    "banned": "the viewer may neither watch this show nor reserve in it",
    "expired": "the hold has expired",
    "released": "the hold was released",
    "sold": "the hold was sold",
    "paying": "a payment of the hold is under way",
    "not_paying": "the payment of the hold had ended before it was confirmed",
    "declined": "the payment provider said no; `detail` has its words, and the hold goes on to its deadline",
}
"""Why a reserve, a release or a checkout may be refused. An answer, not an error: the same key may hold later."""
