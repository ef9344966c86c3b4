"""`reserve`: buyers in a closed loop on one hot drop, every answered hold on disk.

`floor` is the engine alone: the single-request form of the same function over raw connections, one call in flight on
each of 50 and of 200, whichever is the better. `usual` is a Starlette websocket with one redis-py call a request.
Nobody watches while the floor is measured, so the worker has nothing to do then.
"""

import os
from collections.abc import Callable, Sequence

from dropcast_bench import engine_call, usual
from dropcast_bench.lines import Line, close_lines, connect, open_lines
from dropcast_bench.loops import Loop, closed_loop, p50_p99_ms
from dropcast_bench.meter import Meter
from dropcast_bench.ours import SHOW, SKU, Ours, Request, joins, ours, reserves
from dropcast_bench.placement import placed
from dropcast_bench.results import Claim, Figures
from dropcast_bench.rounds import Bench, Contender, Size
from dropcast_bench.servers import contender

_MAIN_BUYERS = 200
_OTHER_BUYERS = (50, 500)
_FLOOR_CONNECTIONS = (50, 200)
_UNITS = 10_000_000


def calls(drop: str, first_buyer: int = 0) -> Request:
    """Return what makes the same as an engine call; hold ids and viewers are as long as a server's."""
    packed = engine_call.trade("HOLDHOLDHOLDHOLDHOLDHOLDHOLDHOLD", "buyer-VIEWER", drop, SKU)
    template = engine_call.command(SHOW, packed).replace(b"%", b"%%")
    template = template.replace(b"HOLDHOLDHOLDHOLDHOLDHOLDHOLDHOLD", b"%012d%020d").replace(
        b"VIEWER", b"%06d"
    )
    return lambda buyer, n: template % (first_buyer + buyer, n, first_buyer + buyer)


def _play(
    lines: Sequence[Line],
    request: Request,
    running: Ours,
    pids: Sequence[int],
    seconds: float,
    *,
    answer: bytes,
    yes: bytes,
) -> Figures:
    # Of a server that is not ours, ours is only the place where the engine runs.
    supervisor = running.supervisor_pids if list(pids) == running.worker_pids else []
    meter = Meter(
        {
            "worker": pids,
            "engine": running.engine_pids,
            "supervisor": supervisor,
            "generator": [os.getpid()],
        }
    )
    # Of the engine alone it is the busiest process.
    busiest, others = (pids, running.engine_pids) if pids else (running.engine_pids, [])
    with placed(busiest, others):
        loop = closed_loop(
            lines, request, answer=answer, yes=yes, warm_s=seconds / 4, seconds=seconds, measure=meter
        )
    running.audit()
    return _figures(loop, meter)


def _figures(loop: Loop, meter: Meter) -> Figures:
    p50_ms, p99_ms = p50_p99_ms(loop.latencies_s)
    answers = max(1, loop.answers)
    return {
        "per_s": loop.answers / loop.took_s,
        "cpu_us": meter.cpu_s("worker") * 1e6 / answers,
        "engine_cpu_us": meter.cpu_s("engine") * 1e6 / answers,
        "supervisor_cpu_us": meter.cpu_s("supervisor") * 1e6 / answers,
        "generator_cpu_us": meter.cpu_s("generator") * 1e6 / answers,
        "p50_ms": p50_ms,
        "p99_ms": p99_ms,
        "oversold": max(0, loop.granted - _UNITS),
        "refused": loop.refused,
    }


def _ours(buyers: int, seconds: float) -> Figures:
    with ours() as running:
        drop = running.pin(_UNITS)
        talks = [joins(running.port, f"buyer-{number:06d}") for number in range(buyers)]
        lines = open_lines(("127.0.0.1", running.port), talks)
        try:
            return _play(
                lines, reserves(drop), running, running.worker_pids, seconds, answer=b'"re":', yes=b'"held"'
            )
        finally:
            close_lines(lines)


def _floor(seconds: float) -> Figures:
    with ours() as running:
        found = []
        for connections in _FLOOR_CONNECTIONS:
            drop = running.pin(_UNITS, key=f"drop-{connections}")
            lines = [connect(str(running.engine_socket)) for _ in range(connections)]
            try:
                found.append(
                    _play(
                        lines,
                        calls(drop, connections * 1000),
                        running,
                        [],
                        seconds,
                        answer=b"ok",
                        yes=b"granted",
                    )
                )
            finally:
                close_lines(lines)
        return max(found, key=lambda figures: figures["per_s"])


def _usual(buyers: int, seconds: float) -> Figures:
    with ours() as running, contender("usual_reserve", str(running.engine_socket), SHOW) as server:
        drop = running.pin(_UNITS)
        talks = [usual.joins(server.port, f"buyer-{number:06d}") for number in range(buyers)]
        lines = open_lines(("127.0.0.1", server.port), talks)
        try:
            return _play(
                lines, reserves(drop), running, server.pids(), seconds, answer=b'"re":', yes=b'"held"'
            )
        finally:
            close_lines(lines)


def _contenders(size: Size) -> Sequence[Contender]:
    seconds = 0.5 if size.small else 2.0 if size.short else 4.0
    others = (1,) if size.short else () if size.small else _OTHER_BUYERS
    sizes = [20 if size.small else _MAIN_BUYERS, *others]

    def at_each(play: Callable[[int, float], Figures]) -> Figures:
        figures = play(sizes[0], seconds)
        for buyers in sizes[1:]:
            figures |= {f"{name}@{buyers}": value for name, value in play(buyers, seconds).items()}
        return figures

    return (
        Contender("dropcast", lambda: at_each(_ours)),
        Contender("floor", lambda: _floor(seconds)),
        Contender("usual", lambda: at_each(_usual)),
    )


CLAIMS = (
    Claim(
        "rate, times the floor's (200 buyers)",
        lambda found: found.ratio("per_s", "dropcast", "floor"),
        at_least=1.2,
    ),
    Claim(
        "rate, times the usual way's (200 buyers)",
        lambda found: found.ratio("per_s", "dropcast", "usual"),
        at_least=4.0,
    ),
    Claim(
        "worker CPU a reserve, times the usual way's (200 buyers)",
        lambda found: found.ratio("cpu_us", "dropcast", "usual"),
        at_most=1 / 3,
    ),
    Claim("units oversold", lambda found: max(found.values("dropcast", "oversold"), default=None), at_most=0),
)

BENCH = Bench("reserve", "buyers in a closed loop on one hot drop, durable", _contenders, CLAIMS)
