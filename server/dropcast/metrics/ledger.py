"""Adds up what the workers counted. Pure: values come in, families of samples go out.

What a worker that ended has counted is kept, so that no total ever falls; its gauges go with it.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from dropcast.metrics.catalogue import CATALOGUE, Kind, Metric
from dropcast.metrics.values import LABELS_APART, Value

Values = Mapping[str, Value]


class Sample(NamedTuple):
    labels: tuple[str, ...]
    """One value for each of the metric's labels."""
    value: float | list[float]
    """A number, or a histogram's cells."""


class Family(NamedTuple):
    metric: Metric
    samples: list[Sample]


class Ledger:
    def __init__(self) -> None:
        self._ended: dict[str, Values] = {}

    def end(self, worker: str, values: Values) -> None:
        """Keep what a worker that is no more has counted, under the name that its successor will have too."""
        kept = {name: value for name, value in values.items() if name in _KEPT}
        self._ended[worker] = add(self._ended.get(worker, {}), kept)

    def families(self, living: Mapping[str, Values]) -> list[Family]:
        """Return the metrics that workers count, from what each living one has counted by now."""
        by_worker = {
            worker: add(self._ended.get(worker, {}), living.get(worker, {}))
            for worker in sorted(self._ended.keys() | living.keys())
        }
        total: Values = {}
        for values in by_worker.values():
            total = add(total, values)
        return [
            Family(
                metric, list(_by_worker(metric, by_worker) if metric.by_worker else _samples(metric, total))
            )
            for metric in CATALOGUE
            if metric.field
        ]


_KEPT = frozenset(metric.field for metric in CATALOGUE if metric.kind is not Kind.GAUGE)


def add(one: Values, other: Values) -> dict[str, Value]:
    """Return the sums by name."""
    return {
        name: _sum(one[name], other[name])
        if name in one and name in other
        else (one[name] if name in one else other[name])
        for name in [*one, *(name for name in other if name not in one)]
    }


def _sum(one: Value, other: Value) -> Value:
    if isinstance(one, dict) and isinstance(other, dict):
        return add(one, other)  # type: ignore[return-value] # labels instead of names: no dict within
    if isinstance(one, list) and isinstance(other, list):
        return [a + b for a, b in zip(one, other, strict=True)]
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one + other
    raise TypeError(f"workers count different things under one name: {one!r}, {other!r}")


def _by_worker(metric: Metric, by_worker: Mapping[str, Values]) -> Iterator[Sample]:
    for worker, values in by_worker.items():
        value = values.get(metric.field)
        if isinstance(value, int | float):
            yield Sample((worker,), value)


def _samples(metric: Metric, total: Values) -> Iterator[Sample]:
    value = total.get(metric.field)
    if value is None and not metric.labels:
        # A counter is there from the first scrape on, so that its first increase is seen.
        yield Sample((), [0] * (len(metric.bounds) + 2) if metric.kind is Kind.HISTOGRAM else 0)
    elif isinstance(value, dict):
        for key in sorted(value):
            yield Sample(tuple(key.split(LABELS_APART)), value[key])
    elif value is not None:
        yield Sample((), value)
