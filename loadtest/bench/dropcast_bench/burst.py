"""A burst: every line asks once, all of them as fast as one thread can send while it reads what is answered."""

import contextlib
import select
import time
from collections.abc import Sequence
from typing import NamedTuple

from dropcast_bench.lines import READ, RECEIVE_BYTES, Line

_STEP = 16
"""How many are sent between two looks at what has come."""
_SILENT_S = 10.0


class Burst(NamedTuple):
    latencies_s: list[float]
    """Of each that was answered, from its own sending to its own answer."""
    sent_s: float
    """From before the first was sent until after the last."""
    last_s: float
    """From before the first was sent until the last answer."""
    granted: int
    """Answers that said yes."""
    refused: int
    """All others."""
    unanswered: int
    """Lines that were closed, or heard no answer for ten seconds."""


def burst(
    lines: Sequence[Line],
    requests: Sequence[bytes],
    *,
    answer: bytes,
    yes: bytes,
    silent_s: float = _SILENT_S,
) -> Burst:
    """Send each line its request and wait for all answers, or until nothing has come for `silent_s`.

    `answer` stands in each answer and in nothing else that a server sends; `yes`, before it, in those that grant. What
    else comes to a line is read until it has its answer, and not any more after that.
    """
    clock = time.perf_counter
    sent_at_s = [0.0] * len(lines)
    waiting = {line.fd: number for number, line in enumerate(lines)}
    parts: dict[int, bytes] = {}
    latencies: list[float] = []
    granted = closed = 0
    last_s = 0.0
    with contextlib.closing(select.epoll()) as poll:
        for line in lines:
            poll.register(line.fd, READ)

        def hear(wait_s: float) -> bool:
            nonlocal granted, closed, last_s
            events = poll.poll(wait_s)
            for fd, _ in events:
                number = waiting[fd]
                try:
                    data = lines[number].recv(RECEIVE_BYTES)
                except ConnectionError:
                    data = b""
                if data:
                    # An answer may come in two parts.
                    whole = parts.pop(fd, b"") + data
                    if answer not in whole:
                        parts[fd] = whole
                        continue
                    last_s = clock()
                    latencies.append(last_s - sent_at_s[number])
                    granted += yes in whole
                else:
                    closed += 1
                poll.unregister(fd)
                del waiting[fd]
            return bool(events)

        start_s = clock()
        for first in range(0, len(lines), _STEP):
            for number in range(first, min(first + _STEP, len(lines))):
                sent_at_s[number] = clock()
                with contextlib.suppress(ConnectionError):
                    lines[number].send(requests[number])
            hear(0)
        sent_s = clock() - start_s
        while waiting and hear(silent_s):
            pass
    return Burst(
        latencies,
        sent_s,
        max(0.0, last_s - start_s),
        granted,
        len(latencies) - granted,
        len(waiting) + closed,
    )
