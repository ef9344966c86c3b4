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
