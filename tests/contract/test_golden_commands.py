"""Every golden command: the SDK says exactly these bytes, and the server understands them."""

from typing import Any

import msgspec
import pytest

from dropcast.wire import codec as server
from dropcast.wire.commands import Command as ServerCommand
from dropcast_client import codec as sdk
from dropcast_client.commands import Command as SdkCommand
from tests.contract.golden import BAD, COMMANDS, BadFrame, Frame

CODECS = ("json", "msgpack")
SERVER = {"json": server.JSON, "msgpack": server.MSGPACK}
READERS: dict[str, Any] = {
    "json": msgspec.json.Decoder(SdkCommand),
    "msgpack": msgspec.msgpack.Decoder(SdkCommand),
}

each_command = pytest.mark.parametrize("frame", COMMANDS, ids=lambda frame: frame.name)
each_codec = pytest.mark.parametrize("codec", CODECS)


@each_codec
@each_command
def test_the_sdk_encodes_it_to_exactly_these_bytes(frame: Frame, codec: str) -> None:
    command = READERS["json"].decode(frame.payloads["json"])
    assert sdk.CODECS[codec].encode(command) == frame.payloads[codec]


@each_codec
@each_command
def test_the_server_decodes_it_to_what_the_sdk_meant(frame: Frame, codec: str) -> None:
    understood = msgspec.to_builtins(SERVER[codec].decode(frame.payloads[codec]))
    said = msgspec.to_builtins(READERS[codec].decode(frame.payloads[codec]))
    assert {name: understood[name] for name in said} == said


@each_command
def test_both_codecs_say_the_same(frame: Frame) -> None:
    assert msgspec.json.decode(frame.payloads["json"]) == msgspec.msgpack.decode(frame.payloads["msgpack"])
    assert frame.direction == "command"


@pytest.mark.parametrize(("frame", "codec"), [(f, c) for f in BAD for c in f.payloads], ids=str)
def test_the_server_answers_a_bad_frame_with_the_expected_error(frame: BadFrame, codec: str) -> None:
    with pytest.raises(server.DecodeFault) as caught:
        SERVER[codec].decode(frame.payloads[codec])
    assert (caught.value.code, caught.value.re) == (frame.error, frame.re)


def test_every_command_of_the_server_has_a_golden_frame_and_a_struct_of_the_sdk() -> None:
    tags = {str(command.__struct_config__.tag) for command in ServerCommand.__args__}
    assert {frame.type for frame in COMMANDS} == tags
    assert {str(command.__struct_config__.tag) for command in SdkCommand.__args__} == tags


def test_commands_of_both_have_the_same_fields_in_the_same_order() -> None:
    sdk_fields = {command.__struct_config__.tag: command.__struct_fields__ for command in SdkCommand.__args__}
    for command in ServerCommand.__args__:
        assert command.__struct_fields__ == sdk_fields[command.__struct_config__.tag]


def test_names_of_golden_frames_are_unique() -> None:
    for frames in (COMMANDS, BAD):
        names = [frame.name for frame in frames]
        assert len(names) == len(set(names))
