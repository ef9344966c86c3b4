import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropcast_client.backoff import Backoff


def highest(low: float, high: float) -> float:
    return high


def lowest(low: float, high: float) -> float:
    return low


@given(attempt=st.integers(0, 10_000))
def test_a_delay_lies_between_the_floor_and_the_cap(attempt: int) -> None:
    assert 0.2 <= Backoff().delay_s(attempt) <= 20.0


def test_the_range_doubles_with_each_attempt_up_to_the_cap() -> None:
    backoff = Backoff(0.2, 20.0, uniform=highest)
    assert [round(backoff.delay_s(attempt), 3) for attempt in (0, 1, 2, 5, 6, 100)] == [
        0.6,
        1.0,
        1.8,
        13.0,
        20.0,
        20.0,
    ]


@pytest.mark.parametrize("attempt", [0, 1, 9, 50])
def test_the_jitter_is_full_every_attempt_may_be_as_early_as_the_floor(attempt: int) -> None:
    assert Backoff(0.2, 20.0, uniform=lowest).delay_s(attempt) == 0.2


@pytest.mark.parametrize(("min_s", "max_s"), [(0.0, 1.0), (2.0, 1.0), (-1.0, 1.0)])
def test_bounds_that_make_no_sense_are_refused(min_s: float, max_s: float) -> None:
    with pytest.raises(ValueError, match="min_s"):
        Backoff(min_s, max_s)
