"""`idle`: what 10,000 viewers cost who only watch, while nothing happens: memory, and the CPU of the heartbeat.

They live as real apps do: every ping is answered, on the beat of the default settings, over two ticks. `starlette` is
for scale: Starlette on uvicorn, with uvicorn's own heartbeat, and nothing else.
"""

import os
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from dropcast_bench import os_figures, venues
from dropcast_bench.audience import Audience
from dropcast_bench.lines import Talk, close_lines, open_lines
from dropcast_bench.meter import Meter
from dropcast_bench.ours import joins, ours
from dropcast_bench.results import Claim, Figures
from dropcast_bench.rounds import Bench, Contender, Size

_VIEWERS = 10_000
_SETTLE_S = 6.0
_WATCH_S = 50.0
"""Two ticks of the default settings, and more than three of their pings."""


class Length(NamedTuple):
    viewers: int
    settle_s: float
    watch_s: float
    flags: Mapping[str, object] = {}


_WHOLE = Length(_VIEWERS, _SETTLE_S, _WATCH_S)
_SHORT = Length(2_000, 1.0, 6.0, {"tick_ms": 1_500, "stall_ms": 6_000})
"""Four ticks and about two pings for each viewer, at a quicker beat than the default."""
_SMALL = Length(50, 0.2, 1.0)


def _ours(length: Length) -> Figures:
    viewers, settle_s, watch_s, flags = length
    with ours(**flags) as running:
        groups = {
            "worker": running.worker_pids,
            "engine": running.engine_pids,
            "supervisor": running.supervisor_pids,
        }
        talks = [joins(running.port, None) for _ in range(viewers)]
        return _watch(running.port, talks, groups, settle_s, watch_s)


def _starlette(viewers: int, settle_s: float, watch_s: float) -> Figures:
    with venues.plain("starlette_sends", "pings") as venue:
        talks = [venue.viewer() for _ in range(viewers)]
        return _watch(venue.port, talks, {"worker": venue.all_pids}, settle_s, watch_s)


def _watch(
    port: int, talks: Sequence[Talk], groups: dict[str, list[int]], settle_s: float, watch_s: float
) -> Figures:
    empty_kib = os_figures.rss_kib(groups["worker"])
    lines = open_lines(("127.0.0.1", port), talks)
    # Every line by the clock: there is little to read, and a ping wants its answer.
    audience = Audience(lines, sampled=len(lines))
    try:
        audience.listen(time.perf_counter() + settle_s)
        meter = Meter({**groups, "generator": [os.getpid()]})
        meter()
        audience.listen(time.perf_counter() + watch_s)
        meter()
        grown_kib = os_figures.rss_kib(groups["worker"]) - empty_kib
        audience.check()
    finally:
        audience.close()
        close_lines(lines)
    figures = {"rss_kib_per_viewer": grown_kib / len(lines), "core_percent": 100 * meter.share("worker")}
    for name in groups:
        if name != "worker":
            figures[f"{name}_core_percent"] = 100 * meter.share(name)
    figures["generator_core_percent"] = 100 * meter.share("generator")
    figures["pings_per_viewer"] = audience.pings / len(lines)
    return figures


def _contenders(size: Size) -> Sequence[Contender]:
    length = _SMALL if size.small else _SHORT if size.short else _WHOLE
    return (
        Contender("dropcast", partial(_ours, length)),
        Contender("starlette", partial(_starlette, length.viewers, length.settle_s, length.watch_s)),
    )


CLAIMS = (
    Claim(
        "KiB of the worker for a viewer",
        lambda found: found.median("dropcast", "rss_kib_per_viewer"),
        at_most=12,
    ),
    Claim(
        "percent of a core for 10,000 viewers",
        lambda found: found.median("dropcast", "core_percent"),
        at_most=2,
    ),
)

BENCH = Bench("idle", "10,000 viewers while nothing happens", _contenders, CLAIMS)
