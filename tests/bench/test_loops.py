"""Percentiles, and closed loops over a socket pair whose other end answers at once."""

import socket
import threading

import pytest

from dropcast_bench.lines import Line, LineFault
from dropcast_bench.loops import closed_loop, p50_p99_ms


def test_percentiles_are_of_the_whole_range() -> None:
    p50_ms, p99_ms = p50_p99_ms([number / 1000 for number in range(101)])
    assert (p50_ms, p99_ms) == pytest.approx((50, 99))


def test_percentiles_of_one_are_that_one_and_of_none_nothing() -> None:
    assert p50_p99_ms([0.002]) == (2, 2)
    assert p50_p99_ms([]) == (0, 0)


def answer_all(sock: socket.socket) -> None:
    """Answer yes to even requests and no to odd ones, until the other end closes."""
    while data := sock.recv(100):
        sock.send(b"answer yes" if int(data) % 2 == 0 else b"answer no")


def test_every_request_is_answered_and_counted() -> None:
    here, there = socket.socketpair()
    thread = threading.Thread(target=answer_all, args=(there,))
    thread.start()
    here.setblocking(False)
    measured: list[None] = []
    try:
        loop = closed_loop(
            [Line(here)],
            lambda line, n: b"%d" % n,
            answer=b"answer",
            yes=b"yes",
            warm_s=0.0,
            seconds=0.05,
            measure=lambda: measured.append(None),
        )
    finally:
        here.close()
        thread.join()
        there.close()
    assert len(measured) == 2
    assert len(loop.latencies_s) == loop.answers > 0
    assert loop.granted + loop.refused >= loop.answers
    assert loop.granted - loop.refused in (0, 1)


def test_a_line_that_is_closed_is_a_fault() -> None:
    here, there = socket.socketpair()
    there.close()
    here.setblocking(False)
    with here, pytest.raises((LineFault, BrokenPipeError)):
        closed_loop(
            [Line(here)],
            lambda line, n: b"x",
            answer=b"a",
            yes=b"y",
            warm_s=0.0,
            seconds=1.0,
            measure=lambda: None,
        )
