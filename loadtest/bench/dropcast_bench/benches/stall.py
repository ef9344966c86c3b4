"""`stall`: a twentieth of 2,000 viewers stop reading, as phones do in a tunnel; what that is to the others.

They neither read nor answer pings; everybody else does. Twenty events of 200 bytes a second go on as before. The same
round has the time without them and with them, on one server by its default settings.
"""

import os
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from dropcast_bench import os_figures, venues
from dropcast_bench.audience import Audience
from dropcast_bench.lines import LineFault, close_lines, open_lines
from dropcast_bench.loops import p50_p99_ms
from dropcast_bench.meter import Meter
from dropcast_bench.results import Claim, Figures
from dropcast_bench.rounds import Bench, Contender, Size
from dropcast_bench.venues import Venue

_EVENTS_PER_S = 20.0
_STEP_EVENTS = 5
"""How many are published between two looks at the worker."""
_EVICTED_S_MAX = 50.0
"""Two heartbeats of the default settings."""


class Length(NamedTuple):
    viewers: int
    stall_every: int
    """One of so many viewers stops."""
    flags: Mapping[str, object]
    warm_s: float
    before_s: float
    """How long the others are timed without anybody stalling."""
    read_every_s: float
    """How often a viewer who reads, and is not sampled, does so."""
    patience_s: float
    """How long to wait until everybody who stalled is gone."""
    after_s: float
    """How long to go on then, for memory to settle."""


_WHOLE = Length(2_000, 20, {}, 2.0, 20.0, 2.0, 75.0, 3.0)
_SMALL = Length(40, 20, {"stall_ms": 500}, 0.2, 0.5, 0.1, 20.0, 0.2)


def _play(length: Length) -> Figures:
    with venues.dropcast(length.flags) as venue:
        lines = open_lines(("127.0.0.1", venue.port), (venue.viewer() for _ in range(length.viewers)))
        stalling = lines[length.stall_every // 2 :: length.stall_every]
        stalled = {line.fd for line in stalling}
        keep = [venue.publisher]
        try:
            with venue.placed():
                everybody = Audience(lines, read_every_s=length.read_every_s, keep=keep)
                figures = _without(venue, everybody, length)
                others = Audience(
                    [line for line in lines if line.fd not in stalled],
                    first=everybody.next,
                    read_every_s=length.read_every_s,
                    keep=keep,
                )
                figures |= _with(venue, others, len(stalling), length)
        finally:
            close_lines(lines)
    figures["p99_ratio"] = figures["p99_ms"] / figures["p99_ms_before"]
    figures["rss_ratio"] = figures["rss_kib"] / figures["rss_kib_before"]
    return figures


def _without(venue: Venue, audience: Audience, length: Length) -> Figures:
    """Play the time before: everybody reads."""
    try:
        audience.play(venue.publish, count=_events(length.warm_s), per_s=_EVENTS_PER_S)
        audience.latencies_s.clear()
        audience.play(venue.publish, count=_events(length.before_s), per_s=_EVENTS_PER_S)
        audience.check()
    finally:
        audience.close()
    p50_ms, p99_ms = p50_p99_ms(audience.latencies_s)
    return {"p50_ms_before": p50_ms, "p99_ms_before": p99_ms}


def _with(venue: Venue, audience: Audience, stalled: int, length: Length) -> Figures:
    """Play the time in which some read no more, until the worker holds no socket of theirs, and a little longer."""
    worker = venue.pids["worker"]
    before_kib = most_kib = os_figures.rss_kib(worker)
    sockets = os_figures.sockets(worker)
    meter = Meter({"all": venue.all_pids, "generator": [os.getpid()]})
    meter()
    began_s = time.perf_counter()
    try:
        # Looked at between two events, when everything has been heard: it costs the generator milliseconds.
        while len(sockets - os_figures.sockets(worker)) < stalled:
            if time.perf_counter() - began_s > length.patience_s:
                raise LineFault(f"of {stalled} who stalled not all were dropped in {length.patience_s:g} s")
            audience.play(venue.publish, count=_STEP_EVENTS, per_s=_EVENTS_PER_S)
            most_kib = max(most_kib, os_figures.rss_kib(worker))
        evicted_s = time.perf_counter() - began_s
        audience.play(venue.publish, count=_events(length.after_s), per_s=_EVENTS_PER_S)
        meter()
        audience.check()
    finally:
        audience.close()
    p50_ms, p99_ms = p50_p99_ms(audience.latencies_s)
    return {
        "p50_ms": p50_ms,
        "p99_ms": p99_ms,
        "evicted_s": evicted_s,
        "rss_kib_before": before_kib,
        "rss_kib_most": most_kib,
        "rss_kib": os_figures.rss_kib(worker),
        "busy": meter.share("all"),
        "generator_busy": meter.share("generator"),
    }


def _events(seconds: float) -> int:
    return max(1, round(seconds * _EVENTS_PER_S))


def _contenders(size: Size) -> Sequence[Contender]:
    return (Contender("dropcast", partial(_play, _SMALL if size.small else _WHOLE)),)


CLAIMS = (
    Claim(
        "p99 of the others, times what it was before",
        lambda found: found.median("dropcast", "p99_ratio"),
        at_most=1.3,
    ),
    Claim(
        "seconds until the last who stalled is dropped",
        lambda found: max(found.values("dropcast", "evicted_s"), default=None),
        at_most=_EVICTED_S_MAX,
    ),
)

BENCH = Bench("stall", "a twentieth of 2,000 viewers stop reading", _contenders, CLAIMS)
