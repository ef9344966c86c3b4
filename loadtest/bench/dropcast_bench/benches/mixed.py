"""`mixed`: what buyers wait while a room of 10,000 is told things, against what they wait without the room.

Fifty buyers reserve at a pace that leaves every process time to spare: from sending to the reply. An operator
announces 200 bytes a second, on a socket of its own. First only the buyers hear it; then 10,000 viewers have come to
the same show on the same server, and hear that and, as in any show, the stock that the buyers move, up to four times
a second. The room is read when the time is over, and each viewer must have heard every announcement.
"""

import contextlib
import itertools
import os
import time
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from dropcast_bench import venues
from dropcast_bench.audience import Audience
from dropcast_bench.lines import Line, Talk, close_lines, open_lines
from dropcast_bench.loops import p50_p99_ms
from dropcast_bench.meter import Meter
from dropcast_bench.ours import Request, joins, ours, reserves
from dropcast_bench.pace import Paced, paced_loop
from dropcast_bench.results import Claim, Figures
from dropcast_bench.rounds import Bench, Contender, Size
from dropcast_bench.servers import ServerFault
from dropcast_bench.venues import Venue

_UNITS = 10_000_000
_AT_ROOM = "@room"


class Market(NamedTuple):
    venue: Venue
    buyers: Sequence[Line]
    request: Request


class Length(NamedTuple):
    buyers: int
    viewers: int
    per_s: float
    """Reserves, of all buyers together."""
    warm_s: float
    seconds: float
    settle_s: float
    """Until the server has seen to those who came."""


_WHOLE = Length(50, 10_000, 500.0, 2.0, 12.0, 2.0)
_SMALL = Length(5, 40, 200.0, 0.1, 0.6, 0.1)


def _play(length: Length) -> Figures:
    with ours(**venues.QUIET) as running:
        drop = running.pin(_UNITS)
        with venues.venue_of(running) as venue, contextlib.ExitStack() as stack:
            buyers = _bring(
                stack, venue, [joins(venue.port, f"buyer-{number:06d}") for number in range(length.buyers)]
            )
            numbers = itertools.count()
            asks = reserves(drop)
            market = Market(venue, buyers, lambda buyer, _: asks(buyer, next(numbers)))
            figures, heard = _measure(market, [], 0, length)
            room = _bring(stack, venue, [venue.viewer() for _ in range(length.viewers)])
            found, _ = _measure(market, room, heard, length)
        running.audit()
    return figures | {name + _AT_ROOM: value for name, value in found.items()}


def _bring(stack: contextlib.ExitStack, venue: Venue, talks: Sequence[Talk]) -> list[Line]:
    lines = open_lines(("127.0.0.1", venue.port), talks)
    stack.callback(close_lines, lines)
    return lines


def _measure(market: Market, room: Sequence[Line], first: int, length: Length) -> tuple[Figures, int]:
    """Time the buyers beside a room, or none. `first` numbers the announcements; return the number of the next."""
    # None of the room is timed. What is not read at once waits in the kernel.
    audience = Audience(room, sampled=0, first=first)
    meter = Meter({**market.venue.pids, "generator": [os.getpid()]})

    def sell(seconds: float) -> Paced:
        return paced_loop(
            market.buyers,
            market.request,
            answer=b'"re":',
            yes=b'"held"',
            per_s=length.per_s,
            seconds=seconds,
            each_s=lambda: audience.publish(market.venue.publish),
        )

    try:
        with market.venue.placed():
            audience.listen(time.perf_counter() + length.settle_s)
            sell(length.warm_s)
            audience.check()
            meter()
            found = sell(length.seconds)
            meter()
            audience.check()
    finally:
        audience.close()
    if found.refused:
        raise ServerFault(f"{found.refused} reserves were refused, and there was enough for all")
    p50_ms, p99_ms = p50_p99_ms(found.latencies_s)
    return {
        "p50_ms": p50_ms,
        "p99_ms": p99_ms,
        "reserves": len(found.latencies_s),
        "late_ms": found.late_s * 1000,
        **{f"busy_{name}": meter.share(name) for name in ("worker", "engine", "generator")},
    }, audience.next


def _contenders(size: Size) -> Sequence[Contender]:
    return (Contender("dropcast", partial(_play, _SMALL if size.small else _WHOLE)),)


CLAIMS = (
    Claim(
        "p99 of a reserve beside the room, times that without",
        lambda found: found.ratio("p99_ms" + _AT_ROOM, "dropcast", "dropcast", under_figure="p99_ms"),
        at_most=3.0,
    ),
)

BENCH = Bench("mixed", "reserves beside a room of 10,000 that is told things", _contenders, CLAIMS)
