"""`join`: viewers come in, and all come back at once.

A join is a connection, hello with the viewer's own token, and watch with the whole state of a show that has three
drops; 64 are under way at a time, and whoever is in stays. `usual` does the same three steps: Starlette on uvicorn,
PyJWT, and one redis-py GET of the same encoded state. Then (`@back`) 10,000 viewers of ours are in, all are cut, and
all come back with their tokens and where they had left off, to hear the three events that they missed.
"""

import os
import time
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from dropcast_bench import arrivals, catalogue, os_figures
from dropcast_bench.arrivals import arrives, bring, hello
from dropcast_bench.engine_counts import EngineCounts
from dropcast_bench.lines import Line, LineFault, Talk, close_lines, open_lines
from dropcast_bench.loops import p50_p99_ms
from dropcast_bench.meter import Meter
from dropcast_bench.ours import PATH, Ours, ours
from dropcast_bench.placement import placed
from dropcast_bench.results import Claim, Figures
from dropcast_bench.rounds import Bench, Contender, Size
from dropcast_bench.servers import contender
from dropcast_bench.tokens import mint
from dropcast_bench.venues import QUIET

_DROPS = 3
_MISSED = 3
_STATE_KEY = "bench:state"
_USUAL_PATH = "/live"
_PATIENCE_S = 30.0
_LOOK_S = 0.05


class Length(NamedTuple):
    warm: int
    viewers: int
    """How many are measured."""
    back: int
    """How many come back."""
    at_once: int
    """How many of those are on their way at a time."""
    idle_s: float
    """How long the engine is watched before anybody comes."""


_WHOLE = Length(500, 4_000, 10_000, 1_000, 3.0)
_SHORT = Length(300, 2_000, 2_000, 200, 0.5)
_SMALL = Length(5, 30, 60, 20, 0.2)


class Told(msgspec.Struct, frozen=True):
    """What the first viewer was told."""

    epoch: str
    seq: int
    state: msgspec.Raw


class Way(NamedTuple):
    """One way in."""

    port: int
    path: str
    pids: Sequence[int]

    def talks(self, tokens: Sequence[str]) -> list[Talk]:
        watch = arrivals.watch()
        return [
            arrives(self.port, hello(token), watch, path=self.path, wants=b'"state":') for token in tokens
        ]


def _ours(length: Length) -> Figures:
    with ours(**QUIET) as running:
        lines, told = _open(running)
        coming = length.warm + length.viewers
        tokens = _tokens(max(coming, length.back))
        way = Way(running.port, PATH, running.worker_pids)
        try:
            came, figures = _measure(running, way, tokens[:coming], length)
            lines += came
            lines += bring(way.port, way.talks(tokens[coming:])).lines
            _cut(lines, way.pids)
        finally:
            close_lines(lines)
        for number in range(_MISSED):
            running.announce(f"While you were away, {number}", f"missed-{number}")
        back = _come_back(running, way, tokens[: length.back], told, length)
    return (
        figures
        | {"state_bytes": len(bytes(told.state))}
        | {f"{name}@back": value for name, value in back.items()}
    )


def _usual(length: Length) -> Figures:
    with ours(**QUIET) as running:
        lines, told = _open(running)
        close_lines(lines)
        socket = running.engine_socket
        with EngineCounts(socket) as counts, contender("usual_join", str(socket), _STATE_KEY) as server:
            counts.client.set(_STATE_KEY, bytes(told.state))
            way = Way(server.port, _USUAL_PATH, server.pids())
            lines, figures = _measure(running, way, _tokens(length.warm + length.viewers), length)
            close_lines(lines)
    return figures | {"state_bytes": len(bytes(told.state))}


def _open(running: Ours) -> tuple[list[Line], Told]:
    """Pin the drops; return the line of the first viewer, and what it was told."""
    running.import_products(catalogue.jumpers(_DROPS))
    for drop in range(_DROPS):
        running.pin(100, key=f"drop-{drop}", product=catalogue.jumper(drop), skus=catalogue.skus(drop))
    replies: list[bytes] = []
    talk = arrives(
        running.port, hello(mint("first")), arrivals.watch(), wants=b'"state":', got=replies.append
    )
    lines = open_lines(("127.0.0.1", running.port), [talk])
    return lines, msgspec.json.decode(replies[0], type=Told)


def _measure(running: Ours, way: Way, tokens: Sequence[str], length: Length) -> tuple[list[Line], Figures]:
    meter = _meter(running, way)
    began_s, commands = 0.0, 0
    with EngineCounts(running.engine_socket) as counts:
        idle_per_s = counts.per_s(length.idle_s)

        def on_count(count: int) -> None:
            nonlocal began_s, commands
            if count == length.warm:
                meter()
                commands = counts()
                began_s = time.perf_counter()

        with placed(way.pids, running.engine_pids):
            came = bring(way.port, way.talks(tokens), on_count=on_count)
            took_s = time.perf_counter() - began_s
            meter()
        commands = counts() - commands
    viewers = len(tokens) - length.warm
    figures = _figures(viewers, took_s, came.times_s[length.warm :], meter)
    # What the engine did anyway, for beats and leases, is not the viewers'.
    return came.lines, figures | {"engine_calls": max(0.0, commands - idle_per_s * took_s) / viewers}


def _come_back(running: Ours, way: Way, tokens: Sequence[str], told: Told, length: Length) -> Figures:
    watch = arrivals.watch({"epoch": told.epoch, "seq": told.seq})
    talks = [arrives(way.port, hello(token), watch, wants=b'"recovered":true') for token in tokens]
    meter = _meter(running, way)
    with placed(way.pids, running.engine_pids):
        meter()
        came = bring(way.port, talks, at_once=length.at_once)
        meter()
    close_lines(came.lines)
    return _figures(len(tokens), came.took_s, came.times_s, meter) | {"last_s": came.took_s}


def _cut(lines: Sequence[Line], pids: Sequence[int]) -> None:
    """Close all, and wait until the server holds none of their sockets any more."""
    held = os_figures.sockets(pids)
    close_lines(lines)
    ends_at_s = time.perf_counter() + _PATIENCE_S
    while len(held - os_figures.sockets(pids)) < len(lines):
        if time.perf_counter() > ends_at_s:
            raise LineFault(f"of {len(lines)} who were cut not all were let go in {_PATIENCE_S:g} s")
        time.sleep(_LOOK_S)


def _meter(running: Ours, way: Way) -> Meter:
    # Of a server that is not ours, ours is only the place where the engine runs.
    supervisor = running.supervisor_pids if list(way.pids) == running.worker_pids else []
    return Meter(
        {
            "worker": way.pids,
            "engine": running.engine_pids,
            "supervisor": supervisor,
            "generator": [os.getpid()],
        }
    )


def _figures(viewers: int, took_s: float, times_s: Sequence[float], meter: Meter) -> Figures:
    p50_ms, p99_ms = p50_p99_ms(times_s)
    return {
        "per_s": viewers / took_s,
        "cpu_us": meter.cpu_s("worker") * 1e6 / viewers,
        "engine_cpu_us": meter.cpu_s("engine") * 1e6 / viewers,
        "supervisor_cpu_us": meter.cpu_s("supervisor") * 1e6 / viewers,
        "generator_cpu_us": meter.cpu_s("generator") * 1e6 / viewers,
        "p50_ms": p50_ms,
        "p99_ms": p99_ms,
    }


def _tokens(count: int) -> list[str]:
    return [mint(f"viewer-{number:06d}") for number in range(count)]


def _contenders(size: Size) -> Sequence[Contender]:
    length = _SMALL if size.small else _SHORT if size.short else _WHOLE
    return (Contender("dropcast", partial(_ours, length)), Contender("usual", partial(_usual, length)))


CLAIMS = (
    Claim(
        "joins a second, times the usual way's",
        lambda found: found.ratio("per_s", "dropcast", "usual"),
        at_least=2.0,
    ),
    Claim(
        "worker CPU a join, times the usual way's",
        lambda found: found.ratio("cpu_us", "dropcast", "usual"),
        at_most=0.5,
    ),
    Claim(
        "commands of the engine a join",
        lambda found: found.median("dropcast", "engine_calls"),
        at_most=0.05,
    ),
)

BENCH = Bench("join", "viewers come in with a token, and 10,000 come back at once", _contenders, CLAIMS)
