"""A bucket lets through what it should on average, warns whoever is over it, and tells a flood from a burst."""

from hypothesis import given
from hypothesis import strategies as st

from dropcast.edge.rates import Bucket, Pace


def paces(bucket: Bucket, count: int, now_s: float) -> list[Pace]:
    return [bucket.take(now_s) for _ in range(count)]


def test_a_burst_is_fine_what_follows_is_over_and_as_much_again_is_a_flood() -> None:
    bucket = Bucket(5, 2, 0.0)
    assert paces(bucket, 10, 0.0) == [Pace.FINE] * 10
    assert paces(bucket, 9, 0.0) == [Pace.OVER] * 9
    assert paces(bucket, 3, 0.0) == [Pace.FLOOD] * 3


def test_the_average_may_go_on_for_ever() -> None:
    bucket = Bucket(5, 2, 0.0)
    assert {bucket.take(second / 5) for second in range(1_000)} == {Pace.FINE}


def test_whoever_keeps_on_at_twice_the_average_is_a_flood_in_the_end() -> None:
    bucket = Bucket(5, 2, 0.0)
    assert bucket.take(0.0) is Pace.FINE
    assert Pace.FLOOD in [bucket.take(number / 10) for number in range(100)]


def test_a_debt_is_paid_off_by_waiting_and_no_longer_than_it_is_deep() -> None:
    bucket = Bucket(5, 2, 0.0)
    paces(bucket, 1_000, 0.0)
    assert bucket.take(2.0) is Pace.OVER
    assert bucket.take(2.5) is Pace.FINE
    assert paces(bucket, 11, 1_000.0) == [Pace.FINE] * 10 + [Pace.OVER]


@given(st.integers(1, 100), st.integers(1, 10), st.lists(st.floats(0, 1), max_size=300))
def test_never_more_than_the_burst_and_the_average_is_fine(
    per_s: int, burst_s: int, gaps_s: list[float]
) -> None:
    bucket, now_s, fine = Bucket(per_s, burst_s, 0.0), 0.0, 0
    for gap_s in gaps_s:
        now_s += gap_s
        fine += bucket.take(now_s) is Pace.FINE
    assert fine <= per_s * burst_s + now_s * per_s + 1
