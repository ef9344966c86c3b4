import msgspec
import pytest

from dropcast_client.codec import CODECS, BadMessage, Codec
from dropcast_client.events import Unknown
from dropcast_client.messages import Tick

CODERS = [
    pytest.param(CODECS["json"], msgspec.json.encode, id="json"),
    pytest.param(CODECS["msgpack"], msgspec.msgpack.encode, id="msgpack"),
]


@pytest.mark.parametrize(("codec", "encode"), CODERS)
def test_an_unknown_type_is_no_error(codec: Codec, encode: type) -> None:
    raw = {"type": "poll_opened", "show": "s", "seq": 4, "at_ms": 1, "poll": {"a": 1}}
    message = codec.decode(encode(raw))
    assert message == Unknown("poll_opened", raw)
    assert (message.show, message.seq, message.re) == ("s", 4, None)


@pytest.mark.parametrize(("codec", "encode"), CODERS)
def test_a_known_type_in_an_unknown_form_is_unknown_too(codec: Codec, encode: type) -> None:
    message = codec.decode(encode({"type": "tick", "server_time_ms": "noon"}))
    assert isinstance(message, Unknown)


@pytest.mark.parametrize(("codec", "encode"), CODERS)
def test_unknown_fields_are_ignored(codec: Codec, encode: type) -> None:
    assert codec.decode(encode({"type": "tick", "server_time_ms": 5, "mood": "good"})) == Tick(
        server_time_ms=5
    )


@pytest.mark.parametrize(("codec", "encode"), CODERS)
@pytest.mark.parametrize("nonsense", [[], 5, "tick", {"kind": "tick"}, {"type": 5}, {}])
def test_what_has_no_type_is_no_message(codec: Codec, encode: type, nonsense: object) -> None:
    with pytest.raises(BadMessage):
        codec.decode(encode(nonsense))


@pytest.mark.parametrize("payload", [b"", b"{", b'{"type":"tick"', b"\xff\xfe", b"[" * 5_000])
def test_what_cannot_be_read_is_no_message(payload: bytes) -> None:
    for codec in CODECS.values():
        with pytest.raises(BadMessage):
            codec.decode(payload)


def test_only_an_event_with_a_time_counts_as_numbered() -> None:
    assert Unknown("x", {"seq": 4, "at_ms": 1}).seq == 4
    assert Unknown("x", {"seq": 4}).seq == 0
    assert Unknown("x", {"seq": 4, "at_ms": 1, "re": 2}).seq == 0
    assert Unknown("x", {"seq": "4", "at_ms": 1}).seq == 0
