"""Prebuilt frames are what a websocket library would have made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from dropcast.wire.frames import close_frame, message_frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 70_000])
@pytest.mark.parametrize("text", [True, False])
def test_a_frame_of_any_length_equals_the_librarys(size: int, text: bool) -> None:
    payload = b"x" * size
    opcode = Opcode.TEXT if text else Opcode.BINARY
    assert message_frame(payload, text) == Frame(opcode, payload).serialize(mask=False)


@given(st.text(max_size=200))
def test_a_close_frame_fits_and_cuts_its_reason_at_a_character(reason: str) -> None:
    frame = close_frame(4000, reason)
    assert len(frame) <= 127
    assert reason.startswith(frame[4:].decode())
