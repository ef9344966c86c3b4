"""The judge of the proof `load`: a forged figure is caught, and noise in single slices is not."""

from typing import Any

import msgspec
import pytest

from tests.proofs.attacks.figures import Bounds, Pair, Part, judge, p99_ms, quantile, summary

MIB = 2**20
BOUNDS = Bounds(worker_bytes=24 * MIB, engine_bytes=16 * MIB, asked_min=50, cpu_before=0.3)


def part(p99: float = 4.0, **changes: Any) -> Part:
    """A slice with 300 requests of which the slowest four took `p99`."""
    values: dict[str, Any] = {
        "latencies_ms": [1.0] * 296 + [p99] * 4,
        "asked": 60,
        "cpu_after": 0.3,
        **changes,
    }
    return Part(**values)


def pairs(*attacks: Part, beside: float = 4.0) -> list[Pair]:
    return [Pair(harmless=part(beside), attack=attack) for attack in attacks]


def test_a_quantile_is_the_value_that_so_many_are_not_above() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([1.0] * 99 + [50.0], 0.99) == 1.0
    assert quantile([1.0] * 98 + [50.0] * 2, 0.99) == 50.0
    assert quantile([7.0], 0.99) == 7.0
    assert quantile([], 0.99) == 0.0


def test_an_attack_that_nobody_feels_holds() -> None:
    assert judge(pairs(part(4.1), part(3.9)), BOUNDS) == []


@pytest.mark.parametrize(
    ("beside", "p99", "holds"),
    [(1.0, 10.0, True), (1.0, 10.1, False), (8.0, 16.0, True), (8.0, 16.1, False), (4.0, 9.9, True)],
)
def test_the_bound_is_twice_the_time_beside_pings_or_ten_milliseconds(
    beside: float, p99: float, holds: bool
) -> None:
    assert (judge(pairs(part(p99), beside=beside), BOUNDS) == []) is holds


@pytest.mark.parametrize(
    ("forged", "told"),
    [
        ({"worker_growth_bytes": 25 * MIB}, "the workers grew by 25.0 MiB"),
        ({"engine_growth_bytes": 17 * MIB}, "the engine grew by 17.0 MiB"),
        ({"cpu_after": 0.7}, "still cost 0.40 of a core"),
        ({"asked": 49}, "49 times"),
        ({"unanswered": 1}, "1 requests of the buyers had no answer"),
        ({"refused": 2}, "2 requests of the buyers were answered by an error"),
        ({"latencies_ms": []}, "bought nothing"),
        ({"goes_on": True}, "still waited"),
    ],
)
def test_a_figure_beyond_its_bound_is_told(forged: dict[str, Any], told: str) -> None:
    problems = judge(pairs(part(**forged)), BOUNDS)
    assert any(told in problem for problem in problems), problems


def test_memory_beyond_its_bound_in_one_slice_of_many_is_told() -> None:
    assert judge(pairs(part(), part(worker_growth_bytes=25 * MIB), part()), BOUNDS)


def test_time_is_judged_by_the_medians_so_that_one_bad_slice_of_the_machine_tells_nothing() -> None:
    assert judge(pairs(part(), part(500.0), part()), BOUNDS) == []
    assert judge(pairs(part(), part(500.0), part(500.0)), BOUNDS)
    assert judge(pairs(part(), part(cpu_after=2.0), part()), BOUNDS) == []


def test_what_was_never_answered_counts_as_the_slowest() -> None:
    one = msgspec.structs.replace(part(), unanswered=10)
    assert p99_ms(pairs(one))[1] == 10_000.0


def test_slow_pings_do_not_excuse_more_than_twice_as_slow_an_attack() -> None:
    assert judge(pairs(part(250.0), beside=100.0), BOUNDS)


def test_idle_processes_may_use_a_little_more_than_nothing() -> None:
    bounds = msgspec.structs.replace(BOUNDS, cpu_before=0.01)
    assert judge(pairs(part(cpu_after=0.15)), bounds) == []
    assert judge(pairs(part(cpu_after=0.2)), bounds)


def test_all_figures_are_told() -> None:
    told = summary(pairs(part(4.0), part(8.0)), BOUNDS)
    assert told["p99_ms"] == [4.0, 8.0]
    assert told["p99_ms_median"] == [4.0, 6.0]
    assert told["worker_growth_mib_max"] == 24.0
    assert msgspec.json.encode(told)
