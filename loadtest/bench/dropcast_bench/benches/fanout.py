"""`fanout`: announcements of 200 bytes to a room, one write for each event and viewer, at a pace nobody struggles with.

`floor` is a loop of `os.write`; each peer sends in its own idiom. 2,000 viewers hear five events a second, then
8,000 more join them on the same server and all hear one a second (figures that end in @10000). CPU is that of all
processes of a server over the whole stretch, idle time between events included, divided by deliveries.
"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import NamedTuple

from dropcast_bench import os_figures, venues
from dropcast_bench.audience import Audience
from dropcast_bench.lines import Line, close_lines, open_lines
from dropcast_bench.loops import p50_p99_ms
from dropcast_bench.meter import Meter
from dropcast_bench.results import Claim, Figures, Results
from dropcast_bench.rounds import Bench, Contender, Size
from dropcast_bench.venues import Venue

Open = Callable[[], AbstractContextManager[Venue]]


class Crowd(NamedTuple):
    """Viewers, all that are there by then, and what they are to hear."""

    viewers: int
    per_s: float
    events: int
    warm: int
    """Events before those that count."""
    suffix: str = ""


_CROWDS = (Crowd(2_000, 5.0, 25, 5), Crowd(10_000, 1.0, 8, 2, "@10000"))
_SHORT = (Crowd(2_000, 10.0, 20, 5),)
_SMALL = (Crowd(30, 50.0, 10, 2), Crowd(60, 20.0, 4, 1, "@10000"))
_SETTLE_S = 2.0
"""Until a server has seen to those who came: first figures, first round-trip probes."""
_PEERS: dict[str, tuple[Open, str]] = {
    "websockets": (partial(venues.plain, "websockets_broadcast"), "websockets"),
    "starlette": (partial(venues.plain, "starlette_sends"), "starlette"),
    "picows": (partial(venues.plain, "picows_sends"), "picows"),
    "socketify": (partial(venues.plain, "socketify_publish"), "socketify"),
    "uwebsockets": (partial(venues.plain, "socketify_publish", "waits"), "socketify"),
    "nats": (venues.nats, "nats-server"),
    "socketio": (venues.socketio, "socketio"),
}
"""How each is opened, and what it needs."""
_FOR_SCALE = "uwebsockets"
"""Nobody is measured against it: socketify's C as nobody runs it, without the polling of socketify's own loop."""
_CLOSE = "picows"
"""It writes prebuilt C frames in a plain loop, as we nearly do: ours may lie within the spread of the rounds."""
_SLOWER = {"socketio": 4.0}
"""Who hears so many times fewer events, and slower, since it would need all of a core otherwise."""


def _play(open_venue: Open, crowds: Sequence[Crowd], settle_s: float, slower: float) -> Figures:
    figures: Figures = {}
    with open_venue() as venue:
        empty_kib = os_figures.rss_kib(venue.all_pids)
        lines: list[Line] = []
        first = 0
        try:
            for crowd in crowds:
                talks = (venue.viewer() for _ in range(crowd.viewers - len(lines)))
                lines += open_lines(("127.0.0.1", venue.port), talks)
                audience = Audience(lines, first=first)
                try:
                    with venue.placed():
                        found = _measure(venue, audience, crowd, settle_s, slower)
                finally:
                    audience.close()
                grown_kib = os_figures.rss_kib(venue.all_pids) - empty_kib
                found["rss_kib_per_viewer"] = grown_kib / len(lines)
                figures |= {name + crowd.suffix: value for name, value in found.items()}
                first = audience.next
        finally:
            close_lines(lines)
    return figures


def _measure(venue: Venue, audience: Audience, crowd: Crowd, settle_s: float, slower: float) -> Figures:
    per_s, events = crowd.per_s / slower, round(crowd.events / slower)
    audience.listen(time.perf_counter() + settle_s)
    audience.play(venue.publish, count=crowd.warm, per_s=per_s)
    audience.check()
    audience.latencies_s.clear()
    meter = Meter({**venue.pids, "all": venue.all_pids, "generator": [os.getpid()]})
    meter()
    audience.play(venue.publish, count=events, per_s=per_s)
    meter()
    audience.check()
    deliveries = events * crowd.viewers
    p50_ms, p99_ms = p50_p99_ms(audience.latencies_s)
    parts = {f"{name}_cpu_us": meter.cpu_s(name) * 1e6 / deliveries for name in venue.pids}
    return {
        "cpu_us": meter.cpu_s("all") * 1e6 / deliveries,
        **(parts if len(parts) > 1 else {}),
        "generator_cpu_us": meter.cpu_s("generator") * 1e6 / deliveries,
        "p50_ms": p50_ms,
        "p99_ms": p99_ms,
        "busy": meter.share("all"),
        "events_per_s": per_s,
        "payload_bytes": audience.payload_bytes,
    }


def _contenders(size: Size) -> Sequence[Contender]:
    crowds = _SMALL if size.small else _SHORT if size.short else _CROWDS
    settle_s = 0.0 if size.small else _SETTLE_S / 2 if size.short else _SETTLE_S

    def contender(name: str, open_venue: Open, needs: str = "") -> Contender:
        slower = 1.0 if size.small else _SLOWER.get(name, 1.0)
        return Contender(name, lambda: _play(open_venue, crowds, settle_s, slower), needs)

    return (
        contender("dropcast", venues.dropcast),
        contender("floor", venues.floor),
        *(contender(name, open_venue, needs) for name, (open_venue, needs) in _PEERS.items()),
    )


def _times(found: Results, peer: str, suffix: str) -> float | None:
    return found.ratio("cpu_us" + suffix, "dropcast", peer)


def _times_at_best(found: Results, peer: str, suffix: str) -> float | None:
    return min(found.ratios("cpu_us" + suffix, "dropcast", peer), default=None)


def _claims() -> list[Claim]:
    claims = []
    for viewers, suffix in (("2,000", ""), ("10,000", "@10000")):
        of = f"CPU a delivery to {viewers}"
        claims.append(
            Claim(f"{of}, times the floor's", partial(_times, peer="floor", suffix=suffix), at_most=1.25)
        )
        for peer in _PEERS:
            if peer == _FOR_SCALE:
                continue
            judged = _times_at_best if peer == _CLOSE else _times
            at_best = ", in the best round" if peer == _CLOSE else ""
            value = partial(judged, peer=peer, suffix=suffix)
            claims.append(Claim(f"{of}, times {peer}'s{at_best}", value, at_most=1.0, optional=True))
    return claims


BENCH = Bench("fanout", "announcements of 200 bytes to 2,000 and to 10,000 viewers", _contenders, _claims())
