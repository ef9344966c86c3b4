"""Ratios against another revision and against itself, and what they come to."""

from itertools import permutations

import pytest

from dropcast_bench.__main__ import BENCHES as ALL
from dropcast_bench.comparison import (
    AGAIN,
    BENCHES,
    CHEAPER,
    COSTS,
    DEARER,
    NOISY,
    OTHER,
    SAME,
    SIDES,
    THIS,
    Compared,
    Cost,
    compare,
    order,
)
from dropcast_bench.results import Results

COST = Cost("reserve", "reserve", "us", ("cpu_us", "engine_cpu_us"))


def compared(*rounds: tuple[float, float, float]) -> Compared | None:
    """Compare rounds of (this, other, again), of which the engine has ten."""
    found = Results()
    for of in rounds:
        for side, value in zip((THIS, OTHER, AGAIN), of, strict=True):
            found.add(side, {"cpu_us": value - 10, "engine_cpu_us": 10})
    return compare(COST, found)


def test_each_side_is_first_second_and_last_as_often_as_the_others() -> None:
    orders = [order(number) for number in range(12)]
    assert set(orders) == set(permutations(SIDES))
    assert orders[:6] == orders[6:]


def test_a_cost_is_the_sum_of_its_figures_and_its_ratio_is_that_of_each_round() -> None:
    # The machine was half as quick in the second round, for all alike.
    found = compared((100, 80, 100), (200, 160, 200), (100, 80, 100))
    assert found is not None
    assert (found.this, found.other) == (100, 80)
    assert (found.ratio, found.self_ratio, found.noise) == pytest.approx((1.25, 1.0, 0.0))
    assert found.verdict == DEARER
    assert found.is_dearer


@pytest.mark.parametrize(
    ("other", "again", "verdict"),
    [
        (100, 100, SAME),
        (98, 100, SAME),
        (90, 100, DEARER),
        (110, 100, CHEAPER),
        (95, 112, NOISY),
        (90, 104, DEARER),
    ],
)
def test_a_difference_counts_when_it_is_beyond_three_percent_and_beyond_the_noise(
    other: float, again: float, verdict: str
) -> None:
    found = compared(*[(100.0, other, again)] * 3)
    assert found is not None
    assert found.verdict == verdict
    assert found.is_dearer is (verdict == DEARER)


def test_one_round_that_went_astray_decides_nothing() -> None:
    found = compared((100, 100, 100), (100, 40, 300), (100, 100, 100))
    assert found is not None
    assert (found.ratio, found.noise, found.verdict) == (1.0, 0.0, SAME)


def test_what_a_side_does_not_have_is_not_compared() -> None:
    assert compare(COST, Results()) is None
    assert compared((100, 0, 100)) is None
    found = Results()
    for side in SIDES:
        found.add(side, {"cpu_us": 1})
    assert compare(COST, found) is None


def test_every_cost_is_of_a_bench_that_there_is() -> None:
    assert set(BENCHES) == {"fanout", "reserve", "join", "idle"} <= ALL.keys()
    assert len({cost.name for cost in COSTS}) == len(COSTS)
