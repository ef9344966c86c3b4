"""Each viewer has a bucket of their own, kept as one number, and who is silent for a while is forgotten."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from dropcast.service.viewer_rates import ViewerRates


class PlainBuckets:
    """The same, written as one would explain it: exact numbers, and nobody is ever forgotten."""

    def __init__(self, per_s: int, burst_s: int) -> None:
        self._per_s, self._most = per_s, Fraction(per_s * burst_s)
        self._levels: dict[str, tuple[Fraction, Fraction]] = {}

    def take(self, viewer: str, now_s: Fraction) -> bool:
        level, at_s = self._levels.get(viewer, (self._most, now_s))
        level = min(self._most, level + (now_s - at_s) * self._per_s)
        may = level >= 1
        self._levels[viewer] = (level - 1 if may else level, now_s)
        return may


def test_a_burst_passes_and_then_so_many_a_second() -> None:
    rates = ViewerRates(5, 2)
    assert [rates.take("ana", 100.0) for _ in range(12)] == [True] * 10 + [False] * 2
    assert [rates.take("ana", 100.2) for _ in range(2)] == [True, False]
    assert [rates.take("ana", 102.2) for _ in range(11)] == [True] * 10 + [False]


def test_what_is_refused_counts_nothing() -> None:
    rates = ViewerRates(5, 2)
    for _ in range(10):
        assert rates.take("ana", 0.0)
    assert not any(rates.take("ana", 0.1) for _ in range(1_000))
    assert rates.take("ana", 0.2)


def test_viewers_do_not_share_a_bucket() -> None:
    rates = ViewerRates(1, 1)
    assert all(rates.take(f"viewer {number}", 0.0) for number in range(1_000))
    assert not any(rates.take(f"viewer {number}", 0.0) for number in range(1_000))


def test_whoever_is_refused_can_learn_when_the_next_may_come() -> None:
    rates = ViewerRates(0.5, 4)
    assert rates.wait_s("ana", 10.0) == 0.0
    assert rates.take("ana", 10.0)
    assert rates.take("ana", 10.0)
    assert not rates.take("ana", 10.0)
    wait_s = rates.wait_s("ana", 10.0)
    assert wait_s == 2.0
    assert not rates.take("ana", 10.0 + wait_s - 0.01)
    assert rates.take("ana", 10.0 + wait_s)


MOMENTS = st.lists(st.tuples(st.sampled_from(("ana", "ben", "cem")), st.integers(0, 60)), max_size=200)


@given(st.sampled_from((1, 2, 5, 10)), st.integers(1, 4), MOMENTS)
def test_it_decides_as_plain_buckets_do(per_s: int, burst_s: int, moments: list[tuple[str, int]]) -> None:
    rates, plain, ticks = ViewerRates(per_s, burst_s), PlainBuckets(per_s, burst_s), 0
    for viewer, gap in moments:
        ticks += gap if gap > 20 else 0  # many come at the same time
        assert rates.take(viewer, ticks / 20) == plain.take(viewer, Fraction(ticks, 20))


def test_whoever_is_silent_until_their_bucket_is_full_is_forgotten() -> None:
    rates = ViewerRates(5, 2)
    for number in range(1_000):
        rates.take(f"viewer {number}", 0.0)
    for now_s in (2.0, 4.0):
        rates.take("ana", now_s)
        rates.take(f"late {now_s}", now_s)
    assert len(rates) < 5


def test_those_who_are_kept_are_bounded_and_the_oldest_begin_anew() -> None:
    rates = ViewerRates(1, 10, viewers_max=100)
    for _ in range(10):
        assert rates.take("first", 0.0)
    assert not rates.take("first", 0.0)
    for number in range(1_000):
        rates.take(f"viewer {number}", 0.0)
        assert len(rates) <= 200
    assert rates.take("first", 0.0)
