"""Both codecs turn the same structs into bytes and refuse everything else with a code and, if it can be read, an id."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropcast.wire import commands, messages
from dropcast.wire.codec import CODECS, JSON, MSGPACK, Codec, DecodeFault
from dropcast.wire.codes import CLOSE_REASONS, ERRORS, Close, may_come_back

RESERVE = {"type": "reserve", "id": 3, "show": "s", "drop": "d", "sku": "A", "qty": 1, "key": "k"}


def decoded_fault(payload: bytes, codec: Codec = JSON) -> tuple[str, int | None]:
    with pytest.raises(DecodeFault) as raised:
        codec.decode(payload)
    return raised.value.code, raised.value.re


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.subprotocol)
def test_a_command_reads_the_same_in_both_codecs(codec: Codec) -> None:
    encode = msgspec.json.encode if codec is JSON else msgspec.msgpack.encode
    assert codec.decode(encode(RESERVE)) == commands.Reserve(
        id=3, show="s", drop="d", sku="A", qty=1, key="k"
    )


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.subprotocol)
def test_an_unknown_field_is_ignored_so_that_newer_clients_may_say_more(codec: Codec) -> None:
    encode = msgspec.json.encode if codec is JSON else msgspec.msgpack.encode
    assert isinstance(codec.decode(encode({**RESERVE, "tint": "blue"})), commands.Reserve)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("qty", 0),
        ("qty", -1),
        ("qty", 1.5),
        ("qty", True),
        ("qty", 2**53 + 1),
        ("qty", "1"),
        ("show", "a b"),
        ("show", "x" * 65),
        ("key", ""),
    ],
)
def test_a_field_out_of_its_bounds_is_a_bad_request_with_the_commands_id(field: str, value: object) -> None:
    assert decoded_fault(msgspec.json.encode({**RESERVE, field: value})) == ("bad_request", 3)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(DecodeFault, match="qty"):
        JSON.decode(b'{"type":"reserve","id":3,"show":"s","drop":"d","sku":"A","key":"k"}')


def test_an_unknown_type_is_answered_by_its_id() -> None:
    assert decoded_fault(b'{"type":"dance","id":7}') == ("unknown_type", 7)


@pytest.mark.parametrize(
    "payload", [b"", b"[", b"1", b"null", b'"\xff"', b"{}", b'{"id":1}', b"[" * 5000, b'{"id":-1,"type":3}']
)
def test_what_is_no_message_is_a_bad_message(payload: bytes) -> None:
    assert decoded_fault(payload)[0] == "bad_message"


@pytest.mark.parametrize(
    "data",
    [b"[" * 1000 + b"]" * 1000, b"123456789012345678901234567890", b"[[[" + b"-9007199254740992" + b"]]]"],
)
def test_free_data_is_bounded_in_depth_and_integers(data: bytes) -> None:
    payload = b'{"type":"announce","id":4,"show":"s","key":"k","text":"hi","data":' + data + b"}"
    assert decoded_fault(payload) in {("bad_request", 4), ("bad_message", None)}


def test_free_data_passes_as_it_is() -> None:
    data = {"a": [1, 2.5, None, True, {"b": "c"}]}
    command = JSON.decode(
        msgspec.json.encode(
            {"type": "announce", "id": 4, "show": "s", "key": "k", "text": "hi", "data": data}
        )
    )
    assert isinstance(command, commands.Announce)
    assert command.data == data


def test_free_data_of_msgpack_holds_only_what_json_has() -> None:
    payload = msgspec.msgpack.encode(
        {"type": "announce", "id": 4, "show": "s", "key": "k", "text": "hi", "data": b"raw"}
    )
    assert decoded_fault(payload, MSGPACK) == ("bad_request", 4)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_decode_fault(payload: bytes) -> None:
    for codec in CODECS:
        code = "none"
        try:
            codec.decode(payload)
        except DecodeFault as fault:
            code = fault.code
        assert code in {*ERRORS, "none"}


def test_messages_of_both_codecs_say_the_same() -> None:
    message = messages.Refused(re=1, show="s", reason="sold_out", offset=9, free=0)
    assert msgspec.json.decode(JSON.encode(message)) == msgspec.msgpack.decode(MSGPACK.encode(message))


def test_codecs_stand_in_the_order_of_their_indexes() -> None:
    assert [codec.index for codec in CODECS] == [0, 1]


def test_every_close_code_has_a_reason_and_its_range_says_whether_to_come_back() -> None:
    assert set(CLOSE_REASONS) == set(Close)
    assert may_come_back(Close.GOING_AWAY)
    assert may_come_back(1006)
    assert not may_come_back(Close.UNAUTHORIZED)
    assert not may_come_back(Close.MESSAGE_TOO_BIG)
