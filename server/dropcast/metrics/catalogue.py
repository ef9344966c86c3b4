"""Every metric of dropcast: its name, kind, labels and meaning. docs/reference/metrics.md is made from it.

`field` is the attribute of Counts that workers count it in; a metric without one is the supervisor's own.
"""

from enum import Enum
from typing import NamedTuple

from dropcast.metrics import bounds as of


class Kind(Enum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(NamedTuple):
    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    field: str = ""
    bounds: tuple[float, ...] = ()
    by_worker: bool = False
    """One sample for each worker, by the label `worker`; otherwise the sum over all."""


def _counter(name: str, field: str, help: str, *labels: str) -> Metric:
    return Metric(f"dropcast_{name}_total", Kind.COUNTER, help, labels, field)


def _gauge(name: str, field: str, help: str, *labels: str) -> Metric:
    return Metric(f"dropcast_{name}", Kind.GAUGE, help, labels, field)


def _histogram(name: str, field: str, bounds: tuple[float, ...], help: str, *labels: str) -> Metric:
    return Metric(f"dropcast_{name}", Kind.HISTOGRAM, help, labels, field, bounds)


SOCKETS = (
    _gauge(
        "connections",
        "connections",
        "Live sockets by state: new (no hello yet), open.",
        "state",
    ),
    _counter("connections_accepted", "sockets_accepted", "Live sockets that were ever opened."),
    _gauge("slow_connections", "sockets_slow", "Live sockets whose kernel buffer is full at the moment."),
    _counter("evictions", "sockets_evicted", "Slow sockets that were cut off: too much waited for them."),
    _counter(
        "catch_ups", "catch_ups", "Slow sockets that took bytes again and were written what they had missed."
    ),
    _counter("closes", "closes", "Close codes that sockets were ended with by us.", "code"),
    _counter("errors", "errors", "Error replies, on sockets and in HTTP answers, by code.", "code"),
    _counter(
        "limit_hits",
        "limited",
        "Times that a client met a limit which has no other metric, by limit (see docs/limits.md).",
        "limit",
    ),
)

OUT = (
    _gauge("shows_followed", "shows_followed", "Shows that workers follow, counted once for each worker."),
    _gauge("watching", "watching", "Sockets in rooms, counted once for each show that they watch."),
    _counter("publications", "publications", "Publications of the engine that were heard."),
    _counter("events", "events", "Numbered events that were handed to a room."),
    _counter(
        "deliveries", "deliveries", "Messages written to sockets by fan-out: one message to one socket."
    ),
    _histogram(
        "fanout_seconds",
        "fanout_s",
        of.FANOUT_S,
        "From a publication's arrival, or a timer's message, to the last socket of the room written.",
    ),
    _histogram(
        "event_age_seconds",
        "event_age_s",
        of.AGE_S,
        "How old a numbered event is, by the engine's clock, when it is handed to its room.",
    ),
)

COMING_BACK = (
    _counter("joins", "joins", "Viewers who began to watch without saying where they had been."),
    _counter(
        "recoveries",
        "recoveries",
        "Viewers who came back, by how they were caught up: ring, log, or state (the whole state).",
        "outcome",
    ),
    _counter(
        "log_gaps",
        "gaps",
        "Lost publications that were noticed, by what told of them: publication or beat.",
        "found_by",
    ),
    _counter("rereads", "rereads", "Times that a followed show was read from the engine again."),
    _counter("resyncs", "resyncs", "Times that a room was sent the whole state, its history being lost."),
    _counter("channel_losses", "tail_losses", "Times that the connection to the shows' channels was lost."),
)

TRADE = (
    _histogram("trade_batch_size", "batch_size", of.BATCH_SIZE, "Trades that rode in one engine call."),
    _histogram("trade_batch_seconds", "batch_s", of.CALL_S, "How long the engine call of a batch took."),
    _counter(
        "trades",
        "trades",
        "Trades by kind (reserve, release, pay, unpay, sell, expire) and outcome (granted, refused, "
        "invalid, fault).",
        "kind",
        "outcome",
    ),
    _counter("refusals", "refusals", "Refused trades by reason.", "reason"),
    _gauge("trades_waiting", "trades_waiting", "Trades that wait for the next engine call."),
    _counter(
        "payments",
        "payments",
        "Payments by outcome: sold, declined, unanswered (by the provider), too_late (the hold was gone); of the last "
        "two also undone (the provider confirmed the cancel). abandoned: the worker stopped before it knew.",
        "outcome",
    ),
    _gauge(
        "payments_unsettled",
        "payments_unsettled",
        "Payments under way whose engine or provider has failed: the sale or the cancel is tried again.",
    ),
    _counter(
        "sweeps",
        "sweeps",
        "Times that a show was asked to expire what is due: followed by this worker, or by the lease.",
        "of",
    ),
)

ENGINE = (
    _histogram(
        "engine_call_seconds",
        "engine_call_s",
        of.CALL_S,
        "How long calls of engine functions took, by function.",
        "function",
    ),
    _counter(
        "engine_failures", "engine_failures", "Calls of engine functions that failed, by fault.", "code"
    ),
    Metric(
        "dropcast_engine_clock_offset_seconds",
        Kind.GAUGE,
        "How far a worker takes the engine's clock to be ahead of its own.",
        ("worker",),
        "clock_offset_s",
        by_worker=True,
    ),
)

ENGINE_ITSELF = (
    _gauge("engine_up", "", "1 when the engine answered the supervisor at this scrape, 0 otherwise."),
    _gauge("engine_memory_bytes", "", "Memory that the engine's data takes."),
    _gauge("holds_open", "", "Open holds in the engine, over all shows; not summed over workers."),
    _gauge(
        "shows_frozen",
        "",
        "Shows before their end whose sales are frozen, by reason: operator or lost_history (see dropcast thaw).",
        "reason",
    ),
)

HTTP = (
    _counter(
        "http_requests",
        "http_requests",
        "HTTP requests by method, route and status; route is - when none matched, status 499 when the client was gone.",
        "method",
        "route",
        "status",
    ),
    _histogram(
        "http_request_seconds", "http_s", of.HTTP_S, "How long HTTP requests took, by route.", "route"
    ),
    _gauge("http_connections", "http_connections", "Connections that are not live sockets."),
    _counter(
        "accept_failures",
        "accept_failures",
        "Connections that could not be taken because file descriptors had run out.",
    ),
)

PROCESSES = (
    Metric(
        "dropcast_worker_cpu_seconds_total",
        Kind.COUNTER,
        "CPU time that a worker and those before it under its name have used.",
        ("worker",),
        "cpu_s",
        by_worker=True,
    ),
    Metric(
        "dropcast_worker_memory_bytes",
        Kind.GAUGE,
        "Resident memory of a worker.",
        ("worker",),
        "memory_bytes",
        by_worker=True,
    ),
    _histogram(
        "worker_loop_lag_seconds",
        "loop_lag_s",
        of.LAG_S,
        "How much later than set a timer of a worker's event loop rings, sampled twice a second.",
    ),
    _counter(
        "log_records", "log_records", "Log records of workers by level, from the one that is logged.", "level"
    ),
    _counter(
        "log_lines_dropped",
        "log_lines_dropped",
        "Log lines of workers and supervisor that stderr did not take in time, by level.",
        "level",
    ),
)

SUPERVISOR = (
    _gauge("worker_up", "", "1 while the worker accepts connections, 0 while it does not.", "worker"),
    _counter("worker_restarts", "", "Times that a worker was started again.", "worker"),
    _gauge("build_info", "", "Always 1; the version of dropcast is its label.", "version"),
)

GROUPS = {
    "Sockets": SOCKETS,
    "The way out": OUT,
    "Coming back": COMING_BACK,
    "Trade": TRADE,
    "The engine": ENGINE + ENGINE_ITSELF,
    "HTTP": HTTP,
    "Processes": PROCESSES + SUPERVISOR,
}

CATALOGUE = tuple(metric for group in GROUPS.values() for metric in group)
