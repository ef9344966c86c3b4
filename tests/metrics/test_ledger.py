"""Sums over workers: counters never fall, gauges go with their worker, histograms add up bucket by bucket."""

from hypothesis import given
from hypothesis import strategies as st

from dropcast.metrics import Counts
from dropcast.metrics.ledger import Ledger, Sample, Values, add


def counted(**values: int) -> Values:
    counts = Counts()
    for name, value in values.items():
        setattr(counts, name, value)
    return counts.values()


def samples(ledger: Ledger, living: dict[str, Values], name: str) -> list[Sample]:
    (found,) = [family.samples for family in ledger.families(living) if family.metric.name == name]
    return found


def test_counters_and_gauges_are_summed_over_workers() -> None:
    living = {"w0": counted(deliveries=2, watching=5), "w1": counted(deliveries=3, watching=1)}
    assert samples(Ledger(), living, "dropcast_deliveries_total") == [Sample((), 5)]
    assert samples(Ledger(), living, "dropcast_watching") == [Sample((), 6)]


def test_a_dead_workers_counters_stay_and_its_gauges_go() -> None:
    ledger = Ledger()
    ledger.end("w0", counted(deliveries=2, watching=5))
    assert samples(ledger, {}, "dropcast_deliveries_total") == [Sample((), 2)]
    assert samples(ledger, {"w0": counted(deliveries=1)}, "dropcast_deliveries_total") == [Sample((), 3)]
    assert samples(ledger, {"w0": counted(watching=1)}, "dropcast_watching") == [Sample((), 1)]


def test_a_worker_and_its_successor_are_one_counter_by_worker_and_two_memories() -> None:
    ledger = Ledger()
    ledger.end("w0", counted(cpu_s=7, memory_bytes=100))
    assert samples(ledger, {"w1": {}}, "dropcast_worker_memory_bytes") == []
    living = {"w0": counted(cpu_s=1, memory_bytes=50), "w1": counted(cpu_s=2, memory_bytes=60)}
    found = samples(ledger, living, "dropcast_worker_cpu_seconds_total")
    assert found == [Sample(("w0",), 8), Sample(("w1",), 2)]
    assert samples(ledger, living, "dropcast_worker_memory_bytes") == [
        Sample(("w0",), 50),
        Sample(("w1",), 60),
    ]


def test_labels_of_one_worker_that_another_has_not_are_kept() -> None:
    one, other = Counts(), Counts()
    one.refusals["sold_out"] = 2
    other.refusals["limit"] = 1
    other.engine_call_s["read"].observe(0.003)
    found = samples(Ledger(), {"w0": one.values(), "w1": other.values()}, "dropcast_refusals_total")
    assert found == [Sample(("limit",), 1), Sample(("sold_out",), 2)]
    (calls,) = samples(Ledger(), {"w1": other.values()}, "dropcast_engine_call_seconds")
    assert calls.labels == ("read",)


def test_a_metric_without_labels_is_there_before_anything_was_counted() -> None:
    assert samples(Ledger(), {}, "dropcast_resyncs_total") == [Sample((), 0)]
    (fanout,) = samples(Ledger(), {}, "dropcast_fanout_seconds")
    assert isinstance(fanout.value, list)
    assert sum(fanout.value) == 0


_Step = st.tuples(st.sampled_from(["count", "die"]), st.sampled_from(["w0", "w1"]), st.integers(0, 9))


@given(st.lists(_Step, max_size=40))
def test_no_total_ever_falls_whoever_dies(steps: list[tuple[str, str, int]]) -> None:
    ledger, living, before = Ledger(), {"w0": Counts(), "w1": Counts()}, 0
    for step, worker, number in steps:
        if step == "count":
            living[worker].deliveries += number
            living[worker].refusals["limit"] += number
        else:
            ledger.end(worker, living[worker].values())
            living[worker] = Counts()
        values: dict[str, Values] = {name: counts.values() for name, counts in living.items()}
        (total,) = samples(ledger, values, "dropcast_deliveries_total")
        assert isinstance(total.value, int)
        assert total.value >= before
        before = total.value


def test_adding_takes_nothing_from_either_side() -> None:
    one: Values = {"a": 1, "b": {"x": 1}}
    other: Values = {"b": {"x": 2, "y": 3}, "c": [1, 2]}
    assert add(one, other) == {"a": 1, "b": {"x": 3, "y": 3}, "c": [1, 2]}
    assert one == {"a": 1, "b": {"x": 1}}
    assert other == {"b": {"x": 2, "y": 3}, "c": [1, 2]}
