"""Prometheus' text format, version 0.0.4, from families of samples. Pure."""

from collections.abc import Iterable, Iterator

from dropcast.metrics.catalogue import Metric
from dropcast.metrics.ledger import Family, Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render(families: Iterable[Family]) -> str:
    return "".join(line + "\n" for family in families for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    metric = family.metric
    yield f"# HELP {metric.name} {metric.help.replace(chr(92), chr(92) * 2)}"
    yield f"# TYPE {metric.name} {metric.kind.value}"
    for sample in family.samples:
        if isinstance(sample.value, list):
            yield from _histogram(metric, sample, sample.value)
        else:
            yield f"{metric.name}{_labels(metric.labels, sample.labels)} {_number(sample.value)}"


def _histogram(metric: Metric, sample: Sample, cells: list[float]) -> Iterator[str]:
    names = (*metric.labels, "le")
    below = 0.0
    for bound, cell in zip((*metric.bounds, float("inf")), cells[:-1], strict=True):
        below += cell
        yield f"{metric.name}_bucket{_labels(names, (*sample.labels, _number(bound)))} {_number(below)}"
    labels = _labels(metric.labels, sample.labels)
    yield f"{metric.name}_sum{labels} {_number(cells[-1])}"
    yield f"{metric.name}_count{labels} {_number(below)}"


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    if not names:
        return ""
    return "{" + ",".join(f'{name}="{_text(value)}"' for name, value in zip(names, values, strict=True)) + "}"


def _text(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
