"""Every counted value is a metric, every metric is counted somewhere, and names follow Prometheus' conventions."""

import re
from pathlib import Path

import pytest

import dropcast
from dropcast.metrics import Counts
from dropcast.metrics.catalogue import CATALOGUE, Kind, Metric
from dropcast.metrics.values import Histogram, Histograms, Tally

SERVER = Path(dropcast.__file__).parent
NAMES = tuple(vars(Counts()))
UNITS = ("_seconds", "_bytes", "_size")


def test_every_counted_value_is_one_metric() -> None:
    fields = [metric.field for metric in CATALOGUE if metric.field]
    assert sorted(fields) == sorted(NAMES)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_a_name_tells_kind_and_unit(metric: Metric) -> None:
    assert re.fullmatch(r"dropcast(_[a-z]+)+", metric.name)
    assert metric.name.endswith("_total") is (metric.kind is Kind.COUNTER)
    if metric.kind is Kind.HISTOGRAM:
        assert metric.name.endswith(UNITS)
    assert metric.help[0].isupper() or metric.help[0].isdigit()
    assert metric.help.endswith(".")
    assert "\n" not in metric.help
    assert not {"le", "quantile"} & set(metric.labels)


@pytest.mark.parametrize(
    "metric", [metric for metric in CATALOGUE if metric.field], ids=lambda metric: metric.name
)
def test_a_metric_has_the_form_of_what_is_counted(metric: Metric) -> None:
    value = getattr(Counts(), metric.field)
    assert isinstance(value, Histogram | Histograms) is (metric.kind is Kind.HISTOGRAM)
    if isinstance(value, Histograms):
        value = value["some"]
        assert len(metric.labels) == 1
    elif not metric.by_worker:
        assert isinstance(value, Tally) is bool(metric.labels)
    if isinstance(value, Histogram):
        assert value.bounds == metric.bounds
        assert list(value.bounds) == sorted(set(value.bounds))


def test_no_two_metrics_share_a_name() -> None:
    names = [metric.name for metric in CATALOGUE]
    assert len(names) == len(set(names))


def test_every_counted_value_is_counted_somewhere_in_the_server() -> None:
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in SERVER.rglob("*.py")
        if path.name not in ("catalogue.py", "grafana.py")
    )
    uncounted = {
        name
        for name in NAMES
        if not re.search(rf"\b(counts|self)\.{name}(\[.*\])?( [-+]?= |\.(observe|since)\()", source)
    }
    assert uncounted == set()
