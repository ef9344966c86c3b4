"""Bytes become messages, however they are cut up; what may not be is told by its close code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropcast.edge.intake import Intake, Misuse
from dropcast.edge.rates import Bucket
from dropcast.wire.codes import Close
from tests.support.raw import BINARY, CLOSE, CONT, PING, PONG, TEXT, frame


def an_intake(*, text: bool = True, control_per_s: int = 10) -> Intake:
    return Intake(text=text, message_bytes_max=1_000, control=Bucket(control_per_s, 1, 0.0))


def misuse(intake: Intake, data: bytes) -> Close:
    with pytest.raises(Misuse) as raised:
        list(intake.feed(data, 0.0))
    return raised.value.code


@given(st.lists(st.text(max_size=40), max_size=6), st.data())
def test_messages_come_whole_however_frames_and_packets_are_cut(
    texts: list[str], data: st.DataObject
) -> None:
    sent = b""
    for text in texts:
        payload = text.encode()
        cut = data.draw(st.integers(0, len(payload)))
        sent += frame(TEXT, payload[:cut], fin=False) + frame(CONT, payload[cut:])
    intake = an_intake(control_per_s=100)
    received: list[bytes] = []
    while sent:
        size = data.draw(st.integers(1, len(sent)))
        received += intake.feed(sent[:size], 0.0)
        sent = sent[size:]
    assert received == [text.encode() for text in texts]


def all_messages(intake: Intake, data: bytes) -> list[bytes]:
    """Take `data` in as a socket does."""
    payload = intake.whole(data)
    if payload is not None:
        return [payload]
    if intake.pong(data, 0.0):
        return []
    payloads = intake.several(data)
    if payloads is None:
        payloads = list(intake.feed(data, 0.0))
    intake.data_to_send()
    return payloads


SIZES = st.sampled_from([0, 1, 125, 126, 127, 300, 1_000])


@given(st.lists(SIZES, min_size=1, max_size=5), st.data())
def test_however_packets_are_cut_the_quick_way_and_the_library_agree(
    sizes: list[int], data: st.DataObject
) -> None:
    payloads = [bytes([97 + number]) * size for number, size in enumerate(sizes)]
    sent = b""
    for payload in payloads:
        kind = data.draw(st.sampled_from(["whole", "fragments", "after a ping", "after a pong"]))
        if kind == "fragments":
            sent += frame(TEXT, payload[:1], fin=False) + frame(CONT, payload[1:])
        else:
            control = {"after a ping": frame(PING), "after a pong": frame(PONG)}.get(kind, b"")
            sent += control + frame(TEXT, payload)
    intake = an_intake(control_per_s=100)
    received: list[bytes] = []
    while sent:
        cut = data.draw(st.integers(1, len(sent)))
        received += all_messages(intake, sent[:cut])
        sent = sent[cut:]
    assert received == payloads


def test_one_whole_frame_needs_no_library() -> None:
    intake = an_intake()
    for size in (0, 125, 126, 1_000):
        assert intake.whole(frame(TEXT, b"x" * size)) == b"x" * size
    assert intake.several(frame(TEXT, b"x") * 3) == [b"x"] * 3
    assert intake.data_to_send() == b""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x81",
        frame(TEXT, b"x")[:-1],
        frame(TEXT, b"x") + b"y",
        frame(TEXT, b"x", fin=False),
        frame(TEXT, b"x", rsv1=True),
        frame(BINARY, b"x"),
        frame(PING, b"x"),
        frame(TEXT, b"\xff"),
        frame(TEXT, b"x" * 1_001),
        b"\x81\x01x" + b"....",
    ],
    ids=[
        "empty",
        "cut",
        "short",
        "long",
        "fragment",
        "rsv",
        "binary",
        "ping",
        "not utf-8",
        "large",
        "unmasked",
    ],
)
def test_what_cannot_be_seen_to_be_sound_at_once_is_left_to_the_library(data: bytes) -> None:
    assert an_intake().whole(data) is None


def test_within_a_message_in_fragments_nothing_passes_by_the_library() -> None:
    intake = an_intake()
    assert all_messages(intake, frame(TEXT, b"a", fin=False)) == []
    assert intake.whole(frame(TEXT, b"b")) is None
    assert not intake.pong(frame(PONG), 0.0)
    assert all_messages(intake, frame(CONT, b"c")) == [b"ac"]
    assert intake.whole(frame(TEXT, b"b")) == b"b"


def test_a_length_written_longer_than_need_be_is_read_all_the_same() -> None:
    intake = an_intake()
    mask = b"\0\0\0\0"
    assert all_messages(intake, b"\x81\xfe\x00\x01" + mask + b"x") == [b"x"]
    assert all_messages(intake, frame(TEXT, b"y")) == [b"y"]


def test_pongs_are_counted_and_pings_answered() -> None:
    intake = an_intake()
    assert list(intake.feed(frame(PING, b"x") + frame(PONG), 0.0)) == []
    assert intake.pongs == 1
    assert intake.data_to_send() == b"\x8a\x01x"


@pytest.mark.parametrize("control", [frame(PING), frame(PONG)])
def test_too_many_control_frames_are_a_flood(control: bytes) -> None:
    assert misuse(an_intake(), control * 11) is Close.FLOOD


def test_too_many_fragments_are_a_flood_however_empty_they_are() -> None:
    assert misuse(an_intake(), frame(TEXT, fin=False) + frame(CONT, fin=False) * 10) is Close.FLOOD


def test_control_frames_may_come_again_later() -> None:
    intake = an_intake()
    list(intake.feed(frame(PING) * 10, 0.0))
    list(intake.feed(frame(PING) * 10, 1.0))


def test_the_other_kind_of_frame_is_refused() -> None:
    assert misuse(an_intake(), frame(BINARY, b"x")) is Close.UNSUPPORTED_DATA
    assert misuse(an_intake(text=False), frame(TEXT, b"x")) is Close.UNSUPPORTED_DATA


def test_what_is_not_utf8_is_refused_in_text_only() -> None:
    assert misuse(an_intake(), frame(TEXT, b"\xff")) is Close.INVALID_UTF8
    assert list(an_intake(text=False).feed(frame(BINARY, b"\xff"), 0.0)) == [b"\xff"]


def test_a_broken_protocol_is_told_once() -> None:
    intake = an_intake()
    assert list(intake.feed(frame(TEXT, b"x", rsv1=True) + frame(TEXT, b"{}"), 0.0)) == []
    assert intake.broke == Close.PROTOCOL_ERROR
    assert intake.data_to_send()[:1] == b"\x88"
    intake.close(Close.GOING_AWAY)
    assert intake.data_to_send() == b""


def test_to_close_after_the_peer_has_is_no_fault() -> None:
    intake = an_intake()
    list(intake.feed(frame(CLOSE, (1000).to_bytes(2)), 0.0))
    assert intake.is_over
    assert intake.broke == 0
    intake.close(Close.BAD_MESSAGE)
    assert intake.data_to_send() == b"\x88\x02\x03\xe8"


@pytest.mark.parametrize("begun", [frame(TEXT, b"x" * 900)[:600], frame(TEXT, b"x" * 600, fin=False)])
def test_of_a_message_that_has_not_ended_nothing_is_kept_when_its_connection_is_gone(begun: bytes) -> None:
    intake = an_intake()
    assert list(intake.feed(begun, 0.0)) == []
    core = intake._frames
    assert core is not None
    assert len(core.reader.buffer) + len(intake._partial) >= 500
    intake.drop()
    assert len(core.reader.buffer) + len(intake._partial) == 0
    intake.drop()
