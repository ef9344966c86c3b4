"""A burst over socket pairs: every line is answered once, or is counted as not answered."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from dropcast_bench.burst import Burst, burst
from dropcast_bench.lines import Line


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def pair(stack: ExitStack) -> tuple[Line, socket.socket]:
    here, there = socket.socketpair()
    here.setblocking(False)
    there.settimeout(10)
    stack.enter_context(here)
    return Line(here), stack.enter_context(there)


def play(*lines: Line, silent_s: float = 10.0) -> Burst:
    return burst(lines, [b"ask"] * len(lines), answer=b"re", yes=b"held", silent_s=silent_s)


def test_an_answer_may_come_after_other_messages_and_in_parts(stack: ExitStack) -> None:
    line, end = pair(stack)

    def answer() -> None:
        assert end.recv(10) == b"ask"
        end.send(b"stock held r")
        end.send(b"e")

    thread = threading.Thread(target=answer)
    thread.start()
    found = play(line)
    thread.join()
    assert (found.granted, found.refused, found.unanswered) == (1, 0, 0)
    assert len(found.latencies_s) == 1
    assert found.last_s >= found.latencies_s[0]


def test_yes_and_no_are_told_apart(stack: ExitStack) -> None:
    pairs = [pair(stack) for _ in range(40)]
    for number, (_, end) in enumerate(pairs):
        end.send(b"held re" if number % 4 == 0 else b"refused re")
    found = play(*(line for line, _ in pairs))
    assert (found.granted, found.refused, found.unanswered) == (10, 30, 0)


def test_a_line_that_is_closed_and_one_that_hears_nothing_are_unanswered(stack: ExitStack) -> None:
    closed, end = pair(stack)
    end.close()
    silent, _ = pair(stack)
    answered, end = pair(stack)
    end.send(b"refused re")
    found = play(closed, silent, answered, silent_s=0.1)
    assert (found.granted, found.refused, found.unanswered) == (0, 1, 2)
