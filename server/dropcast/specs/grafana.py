"""docs/grafana/dropcast.json: a dashboard with a panel for every metric of metrics/catalogue.py.

A row of the table below is a panel: its title, the unit of its axis in Grafana's words, and its queries by legend.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

LEFT_OUT = {
    "dropcast_build_info": "says which version runs, which is no curve",
}
"""Metrics that no query of a panel uses, each with the reason."""

_RATE = "[$__rate_interval]"
_COLUMNS = 24
_WIDTH = 8
_HEIGHT = 7


class Panel(NamedTuple):
    title: str
    unit: str
    queries: dict[str, str]
    stacked: bool = False
    signed: bool = False
    """Whether values may be negative."""


def _rate(metric: str, by: str = "") -> str:
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate(dropcast_{metric}_total{_RATE}))"


def _quantiles(metric: str) -> dict[str, str]:
    buckets = f"sum by (le) (rate(dropcast_{metric}_bucket{_RATE}))"
    return {f"p{share}": f"histogram_quantile(0.{share}, {buckets})" for share in (50, 95, 99)}


def _p99_by(metric: str, label: str) -> dict[str, str]:
    buckets = f"sum by (le, {label}) (rate(dropcast_{metric}_bucket{_RATE}))"
    return {f"{{{{{label}}}}}": f"histogram_quantile(0.99, {buckets})"}


ROWS: dict[str, Sequence[Panel]] = {
    "At a glance": (
        Panel(
            "Workers that accept connections", "short", {"{{worker}}": "max by (worker) (dropcast_worker_up)"}
        ),
        Panel("Engine up", "bool", {"engine": "max(dropcast_engine_up)"}),
        Panel(
            "Shows with frozen sales",
            "short",
            {"{{reason}}": "max by (reason) (dropcast_shows_frozen)"},
        ),
        Panel("Connections by state", "short", {"{{state}}": "sum by (state) (dropcast_connections)"}, True),
    ),
    "The way out": (
        Panel("Fan-out, arrival to last socket", "s", _quantiles("fanout_seconds")),
        Panel("Age of events at fan-out", "s", _quantiles("event_age_seconds")),
        Panel("Deliveries", "ops", {"deliveries": _rate("deliveries")}),
        Panel(
            "Publications and events",
            "ops",
            {"publications": _rate("publications"), "events": _rate("events")},
        ),
        Panel(
            "Watching",
            "short",
            {"watching": "sum(dropcast_watching)", "shows followed": "sum(dropcast_shows_followed)"},
        ),
        Panel(
            "Slow viewers",
            "short",
            {
                "slow now": "sum(dropcast_slow_connections)",
                "caught up per s": _rate("catch_ups"),
                "cut off per s": _rate("evictions"),
            },
        ),
    ),
    "Trade": (
        Panel("Trades by outcome", "ops", {"{{kind}} {{outcome}}": _rate("trades", "kind, outcome")}, True),
        Panel("Refusals by reason", "ops", {"{{reason}}": _rate("refusals", "reason")}, True),
        Panel("Payments by outcome", "ops", {"{{outcome}}": _rate("payments", "outcome")}, True),
        Panel("Payments that wait to be settled", "short", {"unsettled": "sum(dropcast_payments_unsettled)"}),
        Panel("Time of a batch", "s", _quantiles("trade_batch_seconds")),
        Panel("Trades in a batch", "short", _quantiles("trade_batch_size")),
        Panel(
            "Open holds, waiting trades",
            "short",
            {"open holds": "max(dropcast_holds_open)", "waiting trades": "sum(dropcast_trades_waiting)"},
        ),
        Panel("Sweeps", "ops", {"{{of}}": _rate("sweeps", "of")}),
    ),
    "Coming and going": (
        Panel(
            "Connects and joins",
            "ops",
            {"connects": _rate("connections_accepted"), "joins": _rate("joins")},
        ),
        Panel("Recoveries by outcome", "ops", {"{{outcome}}": _rate("recoveries", "outcome")}, True),
        Panel("Close codes", "ops", {"{{code}}": _rate("closes", "code")}, True),
        Panel("Error replies by code", "ops", {"{{code}}": _rate("errors", "code")}, True),
        Panel("Limits met", "ops", {"{{limit}}": _rate("limit_hits", "limit")}, True),
        Panel(
            "Lost publications",
            "ops",
            {
                "gaps by {{found_by}}": _rate("log_gaps", "found_by"),
                "rereads": _rate("rereads"),
                "resyncs": _rate("resyncs"),
                "channels lost": _rate("channel_losses"),
            },
        ),
    ),
    "The engine": (
        Panel("Calls, 99th percentile by function", "s", _p99_by("engine_call_seconds", "function")),
        Panel("Failures by fault", "ops", {"{{code}}": _rate("engine_failures", "code")}),
        Panel("Memory of the data", "bytes", {"memory": "max(dropcast_engine_memory_bytes)"}),
        Panel(
            "Clock offset",
            "s",
            {"{{worker}}": "max by (worker) (dropcast_engine_clock_offset_seconds)"},
            signed=True,
        ),
    ),
    "HTTP": (
        Panel(
            "Requests",
            "ops",
            {"{{method}} {{route}} {{status}}": _rate("http_requests", "method, route, status")},
        ),
        Panel("Time, 99th percentile by route", "s", _p99_by("http_request_seconds", "route")),
        Panel(
            "HTTP connections",
            "short",
            {
                "connections": "sum(dropcast_http_connections)",
                "not accepted per s": _rate("accept_failures"),
            },
        ),
    ),
    "Processes": (
        Panel("CPU", "percentunit", {"{{worker}}": _rate("worker_cpu_seconds", "worker")}),
        Panel("Memory", "bytes", {"{{worker}}": "sum by (worker) (dropcast_worker_memory_bytes)"}),
        Panel("Lag of event loops", "s", _quantiles("worker_loop_lag_seconds")),
        Panel("Restarts", "short", {"{{worker}}": "sum by (worker) (dropcast_worker_restarts_total)"}),
        Panel("Log records by level", "ops", {"{{level}}": _rate("log_records", "level")}, True),
        Panel("Log lines dropped", "ops", {"{{level}}": _rate("log_lines_dropped", "level")}, True),
    ),
}


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana imports it; the data source is chosen there."""
    return {
        "title": "dropcast",
        "uid": "dropcast",
        "tags": ["dropcast"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
            ]
        },
        "panels": _panels(),
    }


def _panels() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = []
    top = 0
    for title, members in ROWS.items():
        place = {"x": 0, "y": top, "w": _COLUMNS, "h": 1}
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "gridPos": place, "panels": []})
        top += 1
        for index, panel in enumerate(members):
            down, across = divmod(index, _COLUMNS // _WIDTH)
            place = {"x": across * _WIDTH, "y": top + down * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
            panels.append(_panel(len(panels) + 1, panel, place))
        top += -(-len(members) // (_COLUMNS // _WIDTH)) * _HEIGHT
    return panels


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    custom = {
        "fillOpacity": 20 if panel.stacked else 0,
        "stacking": {"mode": "normal" if panel.stacked else "none"},
        "showPoints": "never",
    }
    defaults = {"unit": panel.unit, "custom": custom} | ({} if panel.signed else {"min": 0})
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "datasource": source,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": source, "legendFormat": legend, "expr": query}
            for index, (legend, query) in enumerate(panel.queries.items())
        ],
    }
