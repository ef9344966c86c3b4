"""The alerts for Prometheus ask for metrics, labels and label values that exist, and say what to do."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dropcast.cli.commands import COMMANDS
from dropcast.metrics.catalogue import CATALOGUE, Kind
from dropcast.metrics.counted import Counts

ALERTS = Path(__file__).parents[2] / "docs" / "prometheus" / "alerts.yml"
METRICS = {metric.name: metric for metric in CATALOGUE}
OF_PROMETHEUS = {"instance"}
"""Labels that a scrape adds."""


def rules() -> list[dict[str, Any]]:
    groups = msgspec.yaml.decode(ALERTS.read_bytes())["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_asks_for_what_exists(rule: dict[str, Any]) -> None:
    expr = rule["expr"]
    names = re.findall(r"dropcast_\w+", expr)
    assert names
    for name in names:
        metric = METRICS[name]
        for grouped in re.findall(r"by \(([^)]*)\)", expr):
            assert set(grouped.split(", ")) <= {*metric.labels, *OF_PROMETHEUS}
        for label in re.findall(r"(\w+)=~?\"", expr):
            assert label in metric.labels
        # A counter is compared by its increase; a gauge has none.
        assert (metric.kind is Kind.COUNTER) == bool(re.search(rf"(rate|increase)\({name}[\[{{]", expr))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]
    grouped = {label for group in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in group.split(", ")}
    for text in rule["annotations"].values():
        assert set(re.findall(r"\$labels\.(\w+)", text)) <= grouped
        assert {words.split()[0] for words in re.findall(r"`dropcast ([^`]+)`", text)} <= COMMANDS.keys()


def test_the_outcomes_that_alerts_ask_for_are_counted_from_the_start() -> None:
    (abandoned,) = [rule for rule in rules() if rule["alert"] == "DropcastPaymentsAbandoned"]
    assert 'outcome="abandoned"' in abandoned["expr"]
    assert "abandoned" in Counts().payments


def test_every_trouble_that_stops_sales_has_an_alert() -> None:
    asked = {name for rule in rules() for name in re.findall(r"dropcast_\w+", rule["expr"])}
    assert asked >= {
        "dropcast_shows_frozen",
        "dropcast_engine_up",
        "dropcast_worker_up",
        "dropcast_worker_restarts_total",
        "dropcast_limit_hits_total",
        "dropcast_payments_unsettled",
    }
