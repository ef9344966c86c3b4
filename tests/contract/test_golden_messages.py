"""Every golden message: the server says exactly these bytes, and the SDK understands them."""

from typing import Any

import msgspec
import pytest

from dropcast.wire import codec as server
from dropcast.wire import messages as server_messages
from dropcast_client import codec as sdk
from dropcast_client import messages as sdk_messages
from dropcast_client import parts as sdk_parts
from dropcast_client.events import Unknown
from tests.contract.golden import MESSAGES, Frame

MODULES: dict[str, Any] = {"json": msgspec.json, "msgpack": msgspec.msgpack}
SERVER = {"json": server.JSON, "msgpack": server.MSGPACK}
PARTS = ("CardVariant", "Card", "DropView", "ShowView", "State", "HoldView", "Limits")

TYPES = {str(message.__struct_config__.tag): message for message in server_messages.Message.__args__}

each_message = pytest.mark.parametrize("frame", MESSAGES, ids=lambda frame: frame.name)
each_codec = pytest.mark.parametrize("codec", MODULES)


def server_message(frame: Frame, codec: str) -> server_messages.Message:
    """Build the server's message: its parts that are handed over ready encoded stay as they are."""
    decode = MODULES[codec].decode
    raws = decode(frame.payloads[codec], type=dict[str, msgspec.Raw])
    kind = TYPES[frame.type]
    values = {
        field.name: raws[field.name] if field.name == "state" else decode(raws[field.name], type=field.type)
        for field in msgspec.structs.fields(kind)
        if field.name in raws
    }
    message: server_messages.Message = kind(**values)
    return message


@each_codec
@each_message
def test_the_server_encodes_it_to_exactly_these_bytes(frame: Frame, codec: str) -> None:
    assert SERVER[codec].encode(server_message(frame, codec)) == frame.payloads[codec]


@each_codec
@each_message
def test_the_server_encodes_what_lies_ready_encoded_inside_it_likewise(frame: Frame, codec: str) -> None:
    message = server_message(frame, codec)
    insides: list[tuple[msgspec.Raw, Any]] = []
    if isinstance(message, server_messages.Watching | server_messages.Resync) and message.state:
        insides.append((message.state, server_messages.State))
    if isinstance(message, server_messages.Watching):
        insides += [(event, server_messages.Event) for event in message.events or ()]
    for raw, kind in insides:
        assert SERVER[codec].encode(MODULES[codec].decode(raw, type=kind)) == bytes(raw)


@each_codec
@each_message
def test_the_sdk_decodes_it_to_what_the_server_meant(frame: Frame, codec: str) -> None:
    payload = frame.payloads[codec]
    message = sdk.CODECS[codec].decode(payload)
    assert not isinstance(message, Unknown)
    events = getattr(message, "events", None)
    if events is not None:
        decoded = [sdk.CODECS[codec].decode(raw) for raw in events]
        assert [type(event).__name__ for event in decoded] == ["Announcement", "SoldOut"][: len(decoded)]
        message = msgspec.structs.replace(message, events=None)
    said = MODULES[codec].decode(payload)
    understood = msgspec.json.decode(msgspec.json.encode(message))
    assert {name: understood[name] for name in said if name != "events"} == {
        name: value for name, value in said.items() if name != "events"
    }


@each_codec
@each_message
def test_the_sdk_ignores_fields_that_it_does_not_know(frame: Frame, codec: str) -> None:
    known = sdk.CODECS[codec].decode(frame.payloads[codec])
    newer = msgspec.json.decode(frame.json) | {"later": {"than": ["this"]}}
    assert type(sdk.CODECS[codec].decode(MODULES[codec].encode(newer))) is type(known)


@each_message
def test_both_codecs_say_the_same(frame: Frame) -> None:
    assert msgspec.json.decode(frame.payloads["json"]) == msgspec.msgpack.decode(frame.payloads["msgpack"])
    assert frame.direction == "message"


def test_every_message_of_the_server_has_a_golden_frame_and_a_struct_of_the_sdk() -> None:
    tags = {str(message.__struct_config__.tag) for message in server_messages.Message.__args__}
    assert {frame.type for frame in MESSAGES} == tags
    assert {str(message.__struct_config__.tag) for message in sdk_messages.Message.__args__} == tags


def test_messages_of_both_have_the_same_fields() -> None:
    ours = {message.__struct_config__.tag: message for message in sdk_messages.Message.__args__}
    for theirs in server_messages.Message.__args__:
        assert theirs.__struct_fields__ == ours[theirs.__struct_config__.tag].__struct_fields__


@pytest.mark.parametrize("name", PARTS)
def test_parts_of_messages_have_the_same_fields(name: str) -> None:
    assert getattr(server_messages, name).__struct_fields__ == getattr(sdk_parts, name).__struct_fields__


def test_the_sdk_has_every_kind_of_message_where_the_server_has_it() -> None:
    for theirs, ours in (
        (server_messages.Reply, sdk_messages.Reply),
        (server_messages.Event, sdk_messages.Numbered),
        (server_messages.Personal, sdk_messages.Personal),
    ):
        assert [kind.__name__ for kind in theirs.__args__] == [kind.__name__ for kind in ours.__args__]


def test_names_of_golden_frames_are_unique() -> None:
    names = [frame.name for frame in MESSAGES]
    assert len(names) == len(set(names))
