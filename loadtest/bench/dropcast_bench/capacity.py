"""The capacity page: `python -m dropcast_bench.capacity` prints docs/capacity.md from measured.json beside it.

Pure arithmetic on what the benches have measured and on what a show is assumed to do at its peak. Whoever measures on a
machine of their own puts the figures there and has a page of their own; a test holds the page to the figures.
"""

import math
import sys
from pathlib import Path

import msgspec

MEASURED = Path(__file__).with_name("measured.json")

VIEWERS = (10_000, 100_000, 1_000_000)
EVENTS_PER_S = 1.0
"""Numbered events at the peak: a pin, an announcement, sold out."""
STOCK_PER_S = 4.0
"""Stock is told this often at most, by the default of stock_ms."""
FIGURES_PER_S = 1.0
"""The number of viewers, once a second while it changes."""
FRAME_BYTES = 204
"""A frame of 200 bytes, and what TCP and IP put before it."""
HEADERS_BYTES = 66
TAPPING = 0.2
"""The share of viewers who tap on a drop, and how long most of them take."""
TAPS_S = 5.0
DOORS_S = 60.0
"""How long it takes until all are in."""
BUSY = 0.7
"""How much of a core is planned for; the rest is for what nobody planned."""
CALLS_MAX = 2
"""Calls of one show that a worker has under way at most."""
WORKER_MIB = 60
"""A worker without viewers."""


class Measured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Medians of the benches. CPU of the worker where nothing else is said."""

    machine: str
    delivery_us: float
    idle_viewer_kib: float
    idle_core_percent: float
    join_us: float
    reserve_us: float
    reserve_engine_us: float
    reserves_per_s: float
    """Durable, by websocket, through one worker."""
    single_reserves_per_s: float
    """The engine alone, a call each."""
    single_engine_us: float
    """CPU of the engine for such a call."""


class Need(msgspec.Struct, frozen=True):
    """What one show needs at its peak."""

    viewers: int
    deliveries_per_s: float
    deliveries_cores: float
    reserves_per_s: float
    reserves_cores: float
    joins_cores: float
    engine_cores: float
    """In large batches."""
    round_ms: float | None
    """How long it takes until every worker's calls have had their turn; None: the engine cannot keep up."""
    workers: int
    memory_gib: float
    network_gbit_s: float


def read(path: Path = MEASURED) -> Measured:
    return msgspec.json.decode(path.read_bytes(), type=Measured)


def need(viewers: int, measured: Measured) -> Need:
    """Return what a show of so many viewers needs. Joins are at the doors, and not at the same time as taps."""
    deliveries_per_s = viewers * (EVENTS_PER_S + STOCK_PER_S + FIGURES_PER_S)
    deliveries_cores = deliveries_per_s * measured.delivery_us / 1e6
    reserves_per_s = viewers * TAPPING / TAPS_S
    reserves_cores = reserves_per_s * measured.reserve_us / 1e6
    joins_cores = viewers / DOORS_S * measured.join_us / 1e6
    idle_cores = viewers / 10_000 * measured.idle_core_percent / 100
    busiest = idle_cores + max(deliveries_cores + reserves_cores, joins_cores)
    workers = max(1, math.ceil(busiest / BUSY))
    return Need(
        viewers=viewers,
        deliveries_per_s=deliveries_per_s,
        deliveries_cores=deliveries_cores,
        reserves_per_s=reserves_per_s,
        reserves_cores=reserves_cores,
        joins_cores=joins_cores,
        engine_cores=reserves_per_s * measured.reserve_engine_us / 1e6,
        round_ms=_round_ms(workers, reserves_per_s, measured),
        workers=workers,
        memory_gib=(viewers * measured.idle_viewer_kib / 1024 + workers * WORKER_MIB) / 1024,
        network_gbit_s=deliveries_per_s * (FRAME_BYTES + HEADERS_BYTES) * 8 / 1e9,
    )


def _round_ms(workers: int, reserves_per_s: float, measured: Measured) -> float | None:
    """Each round T costs the engine its calls, and what came in meanwhile: T = calls * call + rate * T * reserve."""
    idle = 1 - reserves_per_s * measured.reserve_engine_us / 1e6
    calls_ms = workers * CALLS_MAX * measured.single_engine_us / 1e3
    return calls_ms / idle if idle > 0 else None


def slot_per_s(measured: Measured) -> float:
    """Return how many reserves a second one show's slot of the engine takes, at most: one core, full batches."""
    return BUSY * 1e6 / measured.reserve_engine_us


def slot_viewers(measured: Measured) -> float:
    """Return from how many viewers on the taps of one drop are more than the slot takes at once."""
    return slot_per_s(measured) * TAPS_S / TAPPING


def page(measured: Measured) -> str:
    """Return docs/capacity.md."""
    needs = [need(viewers, measured) for viewers in VIEWERS]
    rows = [
        ("messages to viewers, a second", [f"{one.deliveries_per_s:,.0f}" for one in needs]),
        ("cores for them", [_cores(one.deliveries_cores) for one in needs]),
        ("reserves, a second", [f"{one.reserves_per_s:,.0f}" for one in needs]),
        ("cores for them", [_cores(one.reserves_cores) for one in needs]),
        ("cores at the doors", [_cores(one.joins_cores) for one in needs]),
        ("**workers**, a core each", [f"**{one.workers}**" for one in needs]),
        ("memory of all workers", [f"{one.memory_gib:,.1f} GiB" for one in needs]),
        ("network out", [f"{one.network_gbit_s:,.2f} Gbit/s" for one in needs]),
        ("engine, of one core", [f"{one.engine_cores:.0%}" for one in needs]),
        ("a reserve waits for the engine", [_wait(one) for one in needs]),
        ("engine shards for this show", [_shards(one) for one in needs]),
    ]
    table = [
        "| | " + " | ".join(f"{one.viewers:,} viewers" for one in needs) + " |",
        "|---|" + "---|" * len(needs),
    ]
    table += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows]
    return _TEXT.format(
        table="\n".join(table),
        events=f"{EVENTS_PER_S:g}",
        stock=f"{STOCK_PER_S:g}",
        figures=f"{FIGURES_PER_S:g}",
        tapping=f"{TAPPING:.0%}",
        taps_s=f"{TAPS_S:g}",
        doors_s=f"{DOORS_S:g}",
        busy=f"{BUSY:.0%}",
        bytes=FRAME_BYTES,
        headers=HEADERS_BYTES,
        worker_mib=WORKER_MIB,
        slot=f"{round(slot_per_s(measured), -3):,.0f}",
        slot_viewers=f"{round(slot_viewers(measured), -4):,.0f}",
        **{
            name: f"{value:,g}" if isinstance(value, int | float) else value
            for name, value in _fields(measured)
        },
    )


def _fields(measured: Measured) -> list[tuple[str, str | float]]:
    return [(name, getattr(measured, name)) for name in measured.__struct_fields__]


def _wait(one: Need) -> str:
    return "longer and longer" if one.round_ms is None else f"{one.round_ms:.1f} ms"


def _cores(cores: float) -> str:
    return f"{cores:.2f}" if cores < 1 else f"{cores:.1f}"


def _shards(one: Need) -> str:
    return "1" if one.engine_cores <= BUSY else f"1, for {one.engine_cores / BUSY:.1f} times as long"


_TEXT = """# Capacity

What a show needs, worked out from what the benches measure. Made by `python -m dropcast_bench.capacity` from
`measured.json` beside it: measure on your own machine, put the figures there, and it is your page.

## What was measured

On {machine}. Medians; CPU is the worker's unless the line says otherwise.

| what | figure | command |
|---|---|---|
| 200 bytes to one viewer of 10,000 | {delivery_us} µs | `make bench ARGS="fanout --json"`: `worker_cpu_us@10000` |
| one viewer who only watches | {idle_viewer_kib} KiB | `make bench ARGS="idle --json"`: `rss_kib_per_viewer` |
| 10,000 of them, heartbeat on | {idle_core_percent}% of a core | the same: `core_percent` |
| one join: connect, hello with a token, watch | {join_us} µs | `make bench ARGS="join --json"`: `cpu_us` |
| one reserve, held and on disk before it is answered | {reserve_us} µs | `make bench ARGS="reserve --json"`: `cpu_us` |
| the engine's part of it, in large batches | {reserve_engine_us} µs | the same: `engine_cpu_us@500` |
| reserves a second through one worker, 200 buyers | {reserves_per_s} | the same: `per_s` |
| the engine alone, a call each | {single_reserves_per_s} | the same: `per_s` of `floor` |
| its CPU for such a call | {single_engine_us} µs | the same: `engine_cpu_us` of `floor` |

## What a show is assumed to do at its peak

- Every viewer is sent {events} event, {stock} stock figures (the most that `stock_ms` allows) and {figures} number of
  viewers a second, of {bytes} bytes and {headers} bytes of TCP and IP each. Between drops it is a fraction of that.
- A drop opens, and {tapping} of the viewers reserve within {taps_s} s.
- At the doors all of them come in within {doors_s} s; nobody buys yet.
- A worker is planned to use {busy} of its core, and has {worker_mib} MiB before its first viewer.

## What it needs

{table}

Workers are added by `--workers` on a machine, and by machines: they share nothing but the engine. The kernel's part of
sending, about three quarters of a delivery, is in these figures; that of a network card is not.

## Where one show's slot is the limit

All keys of a show live in one slot, so one core of one engine decides every reserve of a show. At {busy} of that core
that is about {slot} reserves a second in full batches: the taps of a drop in a show of about {slot_viewers} viewers.
More taps than that are not lost. They wait in the workers' queues, each rides in the next call, and batches grow (up to
512 trades), so that the last answer comes later: a crowd twice as large waits twice as long. No unit is sold twice.

Most taps on a small drop find it sold out. A refusal writes nothing and costs less than the hold counted here, so these
figures are on the careful side.

Two things grow with the number of workers. Each has calls of its own under way, two at most, so that batches are
smaller and the engine is busy before its limit; they grow until they suit, and a reserve waits for a round of all
calls, which the table tells. And each call's movements are published to every worker that follows the show.

Several shows spread over the slots of a cluster: an engine shard is needed for each show that is hot at the same time,
and any number of quiet ones share one.
"""


if __name__ == "__main__":
    sys.stdout.write(page(read()))
