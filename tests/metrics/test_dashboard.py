"""The Grafana dashboard queries metrics that exist, and leaves none out without saying why."""

import json
import re
from pathlib import Path
from typing import Any

from dropcast.metrics.catalogue import CATALOGUE, Kind
from dropcast.specs.grafana import LEFT_OUT

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana" / "dropcast.json"


def panels() -> list[dict[str, Any]]:
    read = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = read["panels"]
    return found


def queries() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel.get("targets", ())]


def queried() -> set[str]:
    return {name for query in queries() for name in re.findall(r"dropcast_\w+", query)}


def series() -> dict[str, str]:
    """The names that a query may use, each with its metric."""
    found: dict[str, str] = {}
    for metric in CATALOGUE:
        suffixes = ("_bucket", "_sum", "_count") if metric.kind is Kind.HISTOGRAM else ("",)
        found |= {metric.name + suffix: metric.name for suffix in suffixes}
    return found


def test_every_query_asks_for_metrics_that_exist() -> None:
    assert queried() - series().keys() == set()


def test_every_metric_is_on_the_dashboard_or_left_out_with_a_reason() -> None:
    shown = {series()[name] for name in queried() & series().keys()}
    assert {metric.name for metric in CATALOGUE} - shown == LEFT_OUT.keys()
    assert all(LEFT_OUT.values())


def test_every_label_of_a_query_is_one_of_its_metric() -> None:
    labels = {metric.name: {*metric.labels, "le"} for metric in CATALOGUE}
    for query in queries():
        (name,) = set(re.findall(r"dropcast_\w+", query))
        for grouped in re.findall(r"by \(([^)]*)\)", query):
            assert set(grouped.split(", ")) <= labels[series()[name]], query


def test_counters_are_asked_for_their_rate_but_for_restarts() -> None:
    for query in queries():
        for name in re.findall(r"dropcast_\w+(?:_total|_bucket)", query):
            assert f"rate({name}[" in query or name == "dropcast_worker_restarts_total", query


def test_panels_have_ids_of_their_own_and_do_not_lie_on_each_other() -> None:
    ids = [panel["id"] for panel in panels()]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
