"""A paced loop over a socket pair: as many requests as the clock asks for, whatever the answers do."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dropcast_bench.lines import Line, LineFault
from dropcast_bench.pace import Paced, paced_loop


def framed(payload: bytes) -> bytes:
    return bytes((0x81, len(payload))) + payload


@contextmanager
def server(answer: Callable[[socket.socket, bytes], None]) -> Iterator[Line]:
    """The other end of a line: `answer` is called for each byte that is sent."""
    here, there = socket.socketpair()

    def serve() -> None:
        while asked := there.recv(1):
            answer(there, asked)

    thread = threading.Thread(target=serve)
    thread.start()
    here.setblocking(False)
    try:
        yield Line(here)
    finally:
        here.close()
        thread.join()
        there.close()


def play(line: Line, seconds: float, each_s: Callable[[], object] = lambda: None) -> Paced:
    return paced_loop(
        [line],
        lambda buyer, n: b"e" if n % 2 == 0 else b"o",
        answer=b"re",
        yes=b"held",
        per_s=50,
        seconds=seconds,
        each_s=each_s,
    )


def test_so_many_requests_are_sent_as_the_pace_and_the_time_make() -> None:
    def answer(end: socket.socket, asked: bytes) -> None:
        end.send(framed(b"stock"))
        said = framed(b"re held" if asked == b"e" else b"re refused")
        end.send(said[:4])
        end.send(said[4:])

    seconds: list[None] = []
    with server(answer) as line:
        found = play(line, 0.6, lambda: seconds.append(None))
    assert len(found.latencies_s) == 30
    assert (found.granted, found.refused) == (15, 15)
    assert min(found.latencies_s) > 0
    assert len(seconds) == 1


def test_answers_that_come_together_are_each_for_its_own_request() -> None:
    waiting: list[bytes] = []

    def answer(end: socket.socket, asked: bytes) -> None:
        waiting.append(framed(b"re"))
        if len(waiting) == 5:
            end.send(b"".join(waiting))

    with server(answer) as line:
        found = play(line, 0.1)
    assert (found.granted, found.refused) == (0, 5)
    # All were answered at once, so whoever had asked first had waited longest.
    assert found.latencies_s == sorted(found.latencies_s, reverse=True)


def test_a_line_that_is_closed_is_a_fault() -> None:
    here, there = socket.socketpair()
    here.setblocking(False)
    there.shutdown(socket.SHUT_WR)
    with here, there, pytest.raises(LineFault):
        play(Line(here), 0.1)
