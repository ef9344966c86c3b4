"""A viewer's three steps, with the server's bytes given by hand."""

import json

import pytest

from dropcast_bench import frames
from dropcast_bench.arrivals import arrives, hello, watch
from dropcast_bench.lines import LineFault, Talk

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


def framed(payload: bytes) -> bytes:
    return bytes((0x81, len(payload))) + payload


def said(frame: bytes) -> dict[str, object]:
    """Return what a client's frame of less than 126 bytes says: its mask is zeros."""
    told: dict[str, object] = json.loads(frame[6:])
    return told


def end(talk: Talk, data: bytes) -> None:
    with pytest.raises(StopIteration):
        talk.send(data)


def test_a_viewer_upgrades_says_hello_and_watches() -> None:
    replies: list[bytes] = []
    talk = arrives(80, hello("a.b.c"), watch(), got=replies.append)
    assert next(talk).startswith(b"GET /v1/live HTTP/1.1\r\n")
    assert talk.send(UPGRADED[:10]) == b""
    assert said(talk.send(UPGRADED[10:])) == {"type": "hello", "id": 1, "token": "a.b.c"}
    assert said(talk.send(framed(b'{"type":"welcome"}'))) == {"type": "watch", "id": 2, "show": "bench"}
    reply = framed(b'{"type":"watching","state":{}}')
    # Figures of the room may come first, and the reply in parts.
    assert talk.send(framed(b'{"type":"viewers"}') + reply[:25]) == b""
    end(talk, reply[25:])
    assert replies == [b'{"type":"watching","state":{}}']


def test_who_comes_back_says_where_it_had_left_off() -> None:
    assert said(watch({"epoch": "e", "seq": 7}))["since"] == {"epoch": "e", "seq": 7}


def test_a_reply_without_what_was_wanted_is_a_fault() -> None:
    talk = arrives(80, hello("t"), watch(), path="/live", wants=b'"recovered":true')
    assert b"Sec-WebSocket-Protocol" not in next(talk)
    talk.send(UPGRADED)
    talk.send(framed(b'{"type":"welcome"}'))
    with pytest.raises(LineFault, match="recovered"):
        talk.send(framed(b'{"type":"watching","state":{}}'))


def test_frames_of_a_client_are_whole() -> None:
    assert hello("x" * 200).startswith(bytes((frames.TEXT, 0x80 | 126)))
