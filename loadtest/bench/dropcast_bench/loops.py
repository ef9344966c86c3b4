"""Closed loops: each line has one request under way, and sends the next as soon as it is answered."""

import contextlib
import select
import time
from collections.abc import Callable, Sequence
from statistics import quantiles
from typing import NamedTuple

from dropcast_bench.lines import RECEIVE_BYTES, Line, LineFault

_SILENT_S = 10.0


class Loop(NamedTuple):
    answers: int
    """Requests that were answered within `took_s`."""
    took_s: float
    latencies_s: list[float]
    granted: int
    """Answers, over the whole loop, that said yes."""
    refused: int
    """All others."""


def closed_loop(
    lines: Sequence[Line],
    request: Callable[[int, int], bytes],
    *,
    answer: bytes,
    yes: bytes,
    warm_s: float,
    seconds: float,
    measure: Callable[[], None],
) -> Loop:
    """Have every line ask and be answered for `warm_s` and then for `seconds`; then wait for what is under way.

    `request(line, n)` is the nth request of a line. `answer` stands once in each answer and in nothing else that a
    server sends, `yes` in those that grant what was asked. `measure` is called when the time that counts begins, and
    when it ends. Raises LineFault when a line is closed, or when no line is answered any more.
    """
    clock = time.perf_counter
    sent_s = [0.0] * len(lines)
    asked = [0] * len(lines)
    by_fd = {line.fd: (number, line.recv, line.send) for number, line in enumerate(lines)}
    latencies: list[float] = []
    answers = granted = refused = 0
    with contextlib.closing(select.epoll()) as poll:
        for number, line in enumerate(lines):
            poll.register(line.fd, select.EPOLLIN)
            sent_s[number] = clock()
            line.send(request(number, 0))
        under_way = len(lines)
        start_s = clock() + warm_s
        counting, going_on = False, True
        began_s = ended_s = 0.0
        while under_way:
            events = poll.poll(_SILENT_S)
            if not events:
                raise LineFault(f"{under_way} requests were not answered within {_SILENT_S} s")
            now_s = clock()
            if going_on and not counting and now_s >= start_s:
                counting = True
                measure()
                began_s = clock()
            elif counting and going_on and now_s >= began_s + seconds:
                counting = going_on = False
                measure()
                ended_s = now_s
            for fd, _ in events:
                number, recv, send = by_fd[fd]
                data = recv(RECEIVE_BYTES)
                if answer not in data:
                    if not data:
                        raise LineFault(f"line {number} was closed")
                    continue
                now_s = clock()
                if yes in data:
                    granted += 1
                else:
                    refused += 1
                if counting:
                    answers += 1
                    latencies.append(now_s - sent_s[number])
                if going_on:
                    asked[number] += 1
                    sent_s[number] = now_s
                    send(request(number, asked[number]))
                else:
                    under_way -= 1
    return Loop(answers, ended_s - began_s, latencies, granted, refused)


def p50_p99_ms(times_s: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile, in milliseconds."""
    if len(times_s) < 2:
        return (times_s[0] * 1000,) * 2 if times_s else (0.0, 0.0)
    cuts = quantiles(times_s, n=100, method="inclusive")
    return cuts[49] * 1000, cuts[98] * 1000
