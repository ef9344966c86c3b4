"""The page that Prometheus reads, read back by a strict reader."""

from dropcast.metrics import Counts
from dropcast.metrics.catalogue import CATALOGUE
from dropcast.metrics.ledger import Family, Ledger, Sample
from dropcast.metrics.text import render
from tests.support import exposition


def page_of(counts: Counts) -> exposition.Page:
    return exposition.read(render(Ledger().families({"w0": counts.values()})))


def test_every_metric_of_the_workers_has_its_help_and_type() -> None:
    page = page_of(Counts())
    of_workers = {metric.name: metric for metric in CATALOGUE if metric.field}
    assert page.kinds == {name: metric.kind.value for name, metric in of_workers.items()}
    assert page.helps == {name: metric.help for name, metric in of_workers.items()}


def test_buckets_are_cumulative_and_the_last_one_is_the_count() -> None:
    counts = Counts()
    for seconds in (0.0001, 0.002, 0.002, 77):
        counts.fanout_s.observe(seconds)
    page = page_of(counts)
    name = "dropcast_fanout_seconds"
    found = [page.value(f"{name}_bucket", le=le) for le in ("0.0005", "0.001", "0.0025", "2.5", "+Inf")]
    assert found == [1, 1, 3, 3, 4]
    assert page.value(f"{name}_count") == 4
    assert page.value(f"{name}_sum") == 77.0041


def test_labels_come_back_as_they_were() -> None:
    counts = Counts()
    nasty = 'a "quoted" \\ back\\slash\nand a line {x="1"} , }'
    counts.errors[nasty] += 1
    counts.engine_call_s["read"].observe(0.1)
    page = page_of(counts)
    assert page.value("dropcast_errors_total", code=nasty) == 1
    assert page.value("dropcast_engine_call_seconds_bucket", function="read", le="0.1") == 1


def test_numbers_keep_what_they_are() -> None:
    (metric,) = [metric for metric in CATALOGUE if metric.name == "dropcast_engine_up"]
    for value in (0, 1, -0.25, 1e-7, 2**53, 1.5e300, 0.1 + 0.2):
        page = exposition.read(render([Family(metric, [Sample((), value)])]))
        assert page.value("dropcast_engine_up") == value
