"""`flash`: a room of 10,000 wants one thing of which there are 500, and asks for it within a second.

Every viewer has a token of its own, minted before the clock runs, and watches the show; each reserves one unit. One
thread sends as fast as it can while it reads replies, and each latency is from a viewer's own request to its own
reply. `usual` is for scale: the way of the bench `reserve`, whose viewers watch nothing and have no token.
"""

import contextlib
import os
import time
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from dropcast_bench import arrivals, usual
from dropcast_bench.burst import burst
from dropcast_bench.lines import RECEIVE_BYTES, Line, Talk, close_lines, open_lines
from dropcast_bench.loops import p50_p99_ms
from dropcast_bench.meter import Meter
from dropcast_bench.ours import SHOW, Ours, ours, reserves
from dropcast_bench.placement import placed
from dropcast_bench.results import Claim, Figures, Results
from dropcast_bench.rounds import Bench, Contender, Size
from dropcast_bench.servers import contender
from dropcast_bench.tokens import mint
from dropcast_bench.venues import QUIET

_UNITS = 500


class Length(NamedTuple):
    viewers: int
    units: int
    settle_s: float
    """Until a server has seen to those who came, and to the drop that was pinned."""


_WHOLE = Length(10_000, _UNITS, 2.0)
_SMALL = Length(60, 10, 0.1)


def _ours(length: Length) -> Figures:
    with ours(**QUIET) as running:
        watch = arrivals.watch()
        talks = [
            arrivals.arrives(running.port, arrivals.hello(mint(f"buyer-{number:06d}")), watch)
            for number in range(length.viewers)
        ]
        return _play(running, running.port, talks, running.worker_pids, length)


def _usual(length: Length) -> Figures:
    # The pool that refuses would leave most of them without an answer.
    with (
        ours(**QUIET) as running,
        contender("usual_reserve", str(running.engine_socket), SHOW, "waits") as server,
    ):
        talks = [usual.joins(server.port, f"buyer-{number:06d}") for number in range(length.viewers)]
        return _play(running, server.port, talks, server.pids(), length)


def _play(
    running: Ours, port: int, talks: Sequence[Talk], worker_pids: Sequence[int], length: Length
) -> Figures:
    lines = open_lines(("127.0.0.1", port), talks)
    try:
        request = reserves(running.pin(length.units))
        requests = [request(number, number) for number in range(len(lines))]
        time.sleep(length.settle_s)
        _drain(lines)
        meter = Meter({"worker": worker_pids, "engine": running.engine_pids, "generator": [os.getpid()]})
        with placed(worker_pids, running.engine_pids):
            meter()
            found = burst(lines, requests, answer=b'"re":', yes=b'"held"')
            meter()
    finally:
        close_lines(lines)
    running.audit()
    p50_ms, p99_ms = p50_p99_ms(found.latencies_s)
    return {
        "p50_ms": p50_ms,
        "p99_ms": p99_ms,
        "last_ms": found.last_s * 1000,
        "sent_ms": found.sent_s * 1000,
        "held": found.granted,
        "refused": found.refused,
        "unanswered": found.unanswered,
        "oversold": max(0, found.granted - length.units),
        "cpu_us": meter.cpu_s("worker") * 1e6 / len(lines),
        "engine_cpu_us": meter.cpu_s("engine") * 1e6 / len(lines),
        "generator_cpu_us": meter.cpu_s("generator") * 1e6 / len(lines),
    }


def _drain(lines: Sequence[Line]) -> None:
    """Read what has come so far: the drop, and figures of the room."""
    for line in lines:
        with contextlib.suppress(BlockingIOError):
            while line.recv(RECEIVE_BYTES):
                pass


def _contenders(size: Size) -> Sequence[Contender]:
    length = _SMALL if size.small else _WHOLE
    return (Contender("dropcast", partial(_ours, length)), Contender("usual", partial(_usual, length)))


def _most(found: Results, figure: str) -> float | None:
    return max(found.values("dropcast", figure), default=None)


def _least(found: Results, figure: str) -> float | None:
    return min(found.values("dropcast", figure), default=None)


CLAIMS = (
    Claim("viewers without an answer", partial(_most, figure="unanswered"), at_most=0),
    Claim("units held, the fewest of all rounds", partial(_least, figure="held"), at_least=_UNITS),
    Claim("units held, the most of all rounds", partial(_most, figure="held"), at_most=_UNITS),
    Claim("units oversold", partial(_most, figure="oversold"), at_most=0),
    Claim("ms until the last viewer has asked", partial(_most, figure="sent_ms"), at_most=1_000),
    Claim(
        "ms from asking to the answer, p99", lambda found: found.median("dropcast", "p99_ms"), at_most=1_500
    ),
)

BENCH = Bench("flash", "10,000 viewers ask for one of 500 units within a second", _contenders, CLAIMS)
