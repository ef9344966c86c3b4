"""The generator's half of a websocket, beside the library's server half."""

import pytest
from websockets.frames import Opcode
from websockets.protocol import SERVER, State
from websockets.server import ServerProtocol

from dropcast_bench import frames


def server() -> ServerProtocol:
    """Return a server's half on which the handshake is done."""
    return ServerProtocol(state=State.OPEN)


def sent(protocol: ServerProtocol) -> bytes:
    return b"".join(protocol.data_to_send())


def test_a_handshake_is_one_that_a_server_accepts() -> None:
    protocol = ServerProtocol()
    assert protocol.side is SERVER
    protocol.receive_data(frames.handshake("/v1/live", 8470))
    (request,) = protocol.events_received()
    protocol.send_response(protocol.accept(request))  # type: ignore[arg-type]
    assert sent(protocol).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("size", [0, 1, 125, 126, 200, 65_535])
def test_a_frame_of_any_size_is_read_by_a_server(size: int) -> None:
    protocol = server()
    protocol.receive_data(frames.frame(b"x" * size))
    (found,) = protocol.events_received()
    assert (found.opcode, len(found.data)) == (Opcode.TEXT, size)  # type: ignore[union-attr]


def test_payloads_are_read_as_a_server_writes_them() -> None:
    protocol = server()
    for size in (0, 125, 126, 70_000):
        protocol.send_text(b"x" * size)
    data = sent(protocol)
    found, rest = frames.payloads(data + b"\x81")
    assert [len(payload) for payload in found] == [0, 125, 126, 70_000]
    assert rest == b"\x81"


def test_a_frame_cut_anywhere_is_left_for_later() -> None:
    protocol = server()
    protocol.send_text(b"x" * 300)
    data = sent(protocol)
    for cut in range(len(data)):
        assert frames.payloads(data[:cut]) == ([], data[:cut])


def test_pings_among_other_frames_are_answered() -> None:
    protocol = server()
    protocol.send_text(b"hello")
    protocol.send_ping(b"one")
    protocol.send_ping(b"")
    protocol.send_text(b"\x89\x00 is no ping inside a text")
    data = sent(protocol)
    answers, end = frames.scan(data + b"\x89")
    assert end == len(data)
    protocol.receive_data(answers)
    assert [(found.opcode, found.data) for found in protocol.events_received()] == [  # type: ignore[union-attr]
        (Opcode.PONG, b"one"),
        (Opcode.PONG, b""),
    ]
