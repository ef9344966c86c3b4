"""A paced loop: requests go out by the clock, whether or not those before them are answered.

A closed loop asks as fast as it is answered, and so measures a queue of its own making. At a pace that leaves the
server idle most of the time, a latency is what a buyer waits.
"""

import contextlib
import select
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from dropcast_bench import frames
from dropcast_bench.lines import READ, RECEIVE_BYTES, Line, LineFault

_SILENT_S = 10.0


class Paced(NamedTuple):
    latencies_s: list[float]
    """Of each request, from its sending to its answer."""
    granted: int
    """Answers that said yes."""
    refused: int
    """All others."""
    late_s: float
    """How long after its time the latest request was sent."""


def paced_loop(
    lines: Sequence[Line],
    request: Callable[[int, int], bytes],
    *,
    answer: bytes,
    yes: bytes,
    per_s: float,
    seconds: float,
    each_s: Callable[[], object],
) -> Paced:
    """Have the lines ask in turn, `per_s` times a second in all, for `seconds`; then wait for what is under way.

    `request(line, n)` is the nth of them all. `answer` stands in each answer and in nothing else that a server sends,
    `yes` in those that grant; the answers to one line come in the order of its requests. `each_s` is called every
    second, the first time after half of one. Raises LineFault when a line is closed, or when none is answered.
    """
    clock = time.perf_counter
    count = max(1, round(per_s * seconds))
    by_fd = {line.fd: number for number, line in enumerate(lines)}
    sent_at_s: list[deque[float]] = [deque() for _ in lines]
    rests = [b""] * len(lines)
    latencies: list[float] = []
    sent = calls = granted = 0
    late_s = 0.0
    with contextlib.closing(select.epoll()) as poll:
        for line in lines:
            poll.register(line.fd, READ)
        start_s = heard_s = clock()
        while len(latencies) < count:
            now_s = clock()
            while sent < count and (due_s := start_s + sent / per_s) <= now_s:
                number = sent % len(lines)
                late_s = max(late_s, now_s - due_s)
                sent_at_s[number].append(now_s)
                lines[number].send(request(number, sent))
                sent += 1
                now_s = clock()
            if calls + 0.5 < seconds and now_s >= start_s + calls + 0.5:
                calls += 1
                each_s()
            if now_s - heard_s > _SILENT_S:
                raise LineFault(f"{sent - len(latencies)} requests were not answered within {_SILENT_S} s")
            # The kernel counts in whole milliseconds, so requests are up to one late, which no latency includes.
            for fd, _ in poll.poll(max(0.0, start_s + sent / per_s - clock()) if sent < count else 0.1):
                number = by_fd[fd]
                came = lines[number].recv(RECEIVE_BYTES)
                if not came:
                    raise LineFault(f"line {number} was closed")
                heard_s = clock()
                payloads, rests[number] = frames.payloads(rests[number] + came)
                for payload in payloads:
                    if answer in payload:
                        latencies.append(heard_s - sent_at_s[number].popleft())
                        granted += yes in payload
    return Paced(latencies, granted, len(latencies) - granted, late_s)
