"""The AsyncAPI 3 document of the socket, from the commands, the messages and the tables of codes.

It is written from the server's side, as AsyncAPI has it: a command is received, a message is sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dropcast import __version__
from dropcast.domain.viewer import Role
from dropcast.edge.connection import LIVE_PATH
from dropcast.edge.session import RULES
from dropcast.specs import docstrings, schemas
from dropcast.specs.replies import REPLIES
from dropcast.specs.schemas import Schema
from dropcast.wire import messages
from dropcast.wire.codes import (
    CLOSE_REASONS,
    ERRORS,
    SUBPROTOCOL_JSON,
    SUBPROTOCOL_MSGPACK,
    Close,
    may_come_back,
)
from dropcast.wire.commands import Command

Examples = Mapping[str, Sequence[tuple[str, str, Any]]]
"""Name, sentence and content of each example, by the type of the message."""

_ABOUT = f"""\
How an app follows a live show and buys in it. protocol.md beside this document says the same in prose, with what a \
client must do; golden/ has every message byte by byte.

**Codecs.** The subprotocol chooses: `{SUBPROTOCOL_JSON}` (also when none is named) puts JSON into text frames, \
`{SUBPROTOCOL_MSGPACK}` puts the same objects as MessagePack into binary frames. One frame is one message; there is \
no compression.

**Commands and replies.** A command carries `id`; its reply carries the same number as `re`. Replies come in any \
order, and any command may be answered by `error` instead.

**Keys.** A `key` makes a command repeatable: the same command under the same key takes effect once, however often it \
arrives.

**Tokens.** The token is said in `hello`, and never travels in a URL. Without one the viewer is anonymous, and may \
watch only; where guests may buy, `welcome` gives a token of its own.

**Values.** Integers fit 53 bits, times are the server's in milliseconds since 1970, money is in minor units of the \
show's currency. A client ignores fields that it does not know."""

_ABOUT_CHANNEL = """\
One websocket for all shows that a viewer watches. The first command is `hello`.

The upgrade itself may be refused by an HTTP answer in plain text: 400 for a handshake or a subprotocol that is not \
known, 403 for a web page's Origin that is not allowed, 426 for another version of the websocket protocol, 503 by a \
worker that is going away (come back, to another one)."""

_CHANNEL = "live"

_KINDS: dict[str, tuple[Any, str, str]] = {
    "events": (
        messages.Event,
        "Numbered events",
        "What every viewer of a show must see, in order and never skipped: `seq` counts 1, 2, 3 ... within an epoch.",
    ),
    "personal": (
        messages.Personal,
        "Personal events",
        "To every socket of one viewer that watches the show, with the hold as it now stands.",
    ),
    "latest": (
        messages.Stock | messages.Viewers | messages.Tick | messages.Resync,
        "Latest wins",
        "Unnumbered: the latest one counts, and any of them may be missing, but for `resync`.",
    ),
    "notices": (messages.Banned | messages.GoingAway, "Notices", "About this socket."),
}

_RAW: dict[tuple[str, str], Schema] = {
    ("Watching", "state"): schemas.ref(messages.State),
    ("Watching", "events"): {
        "type": "array",
        "items": {"anyOf": [schemas.ref(event) for event in messages.Event.__args__]},
    },
    ("Resync", "state"): schemas.ref(messages.State),
}
"""The fields that are encoded beforehand, and what they hold."""


def document(examples: Examples) -> Schema:
    """Return the document, as what JSON has. `examples` are the golden frames."""
    commands, sent = Command.__args__, messages.Message.__args__
    return {
        "asyncapi": "3.0.0",
        "id": "urn:dropcast:live:v1",
        "defaultContentType": "application/json",
        "info": {
            "title": "dropcast",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "servers": {
            "local": {
                "host": "localhost:8470",
                "protocol": "ws",
                "description": "`dropcast serve` with its defaults.",
            }
        },
        "channels": {_CHANNEL: _channel((*commands, *sent))},
        "operations": {
            **{tag_of(command): _command(command) for command in commands},
            **{name: _sending(*kind) for name, kind in _KINDS.items()},
        },
        "components": {
            "messages": {
                **{tag_of(kind): _message(kind, "id", examples) for kind in commands},
                **{
                    tag_of(kind): _message(kind, "re" if kind in messages.Reply.__args__ else None, examples)
                    for kind in sent
                },
            },
            "schemas": dict(sorted(schemas.components(commands, [*sent, messages.State], _RAW).items())),
        },
    }


def tag_of(kind: type) -> str:
    """Return a command's or a message's `type`."""
    return str(kind.__struct_config__.tag)  # type: ignore[attr-defined]


def _channel(kinds: Sequence[type]) -> Schema:
    return {
        "address": LIVE_PATH.decode(),
        "title": "The live socket",
        "description": _ABOUT_CHANNEL,
        "servers": [{"$ref": "#/servers/local"}],
        "messages": {tag_of(kind): {"$ref": f"#/components/messages/{tag_of(kind)}"} for kind in kinds},
        "bindings": {
            "ws": {
                "bindingVersion": "0.1.0",
                "method": "GET",
                "headers": {
                    "type": "object",
                    "properties": {
                        "Sec-WebSocket-Protocol": {
                            "type": "string",
                            "enum": [SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK],
                            "description": "The codec; JSON when none is named.",
                        }
                    },
                },
            }
        },
        "x-close-codes": {
            str(int(code)): {
                "name": code.name,
                "reason": CLOSE_REASONS[code],
                "comeBack": may_come_back(code),
            }
            for code in Close
        },
        "x-error-codes": {
            code: {"meaning": error.meaning, "temporary": error.temporary} for code, error in ERRORS.items()
        },
    }


def _command(command: type) -> Schema:
    """One operation for each command, with the replies that it may get."""
    who = [role.value for role in Role if role in RULES[command].roles]
    everyone = len(who) == len(Role)
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{_CHANNEL}"},
        "title": command.__name__,
        "summary": docstrings.of_class(command).split("\n\n")[0],
        "description": "For every viewer." if everyone else f"For {', '.join(who)} tokens.",
        "messages": [_in_channel(command)],
        "reply": {
            "channel": {"$ref": f"#/channels/{_CHANNEL}"},
            "messages": [_in_channel(reply) for reply in (*REPLIES[command], messages.Error)],
        },
    }


def _sending(union: Any, title: str, about: str) -> Schema:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{_CHANNEL}"},
        "title": title,
        "summary": about,
        "messages": [_in_channel(kind) for kind in union.__args__],
    }


def _in_channel(kind: type) -> Schema:
    return {"$ref": f"#/channels/{_CHANNEL}/messages/{tag_of(kind)}"}


def _message(kind: type, number: str | None, examples: Examples) -> Schema:
    told: Schema = {
        "name": tag_of(kind),
        "title": kind.__name__,
        "summary": docstrings.of_class(kind),
        "payload": schemas.ref(kind),
        "examples": [
            {"name": name, "summary": about, "payload": content}
            for name, about, content in examples.get(tag_of(kind), ())
        ],
    }
    if number is not None:
        what = "The client's number for the command" if number == "id" else "The number of the command"
        told["correlationId"] = {"location": f"$message.payload#/{number}", "description": f"{what}."}
    return told
