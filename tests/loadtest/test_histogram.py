"""A histogram loses at most 1/32 of a value, and adding two is the same as recording into one."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from dropcast_loadtest.histogram import BUCKETS, Histogram, bucket_of, highest_in

values = st.integers(0, 2**32 - 1)


def recorded(numbers: Sequence[int]) -> Histogram:
    histogram = Histogram()
    for number in numbers:
        histogram.record(number)
    return histogram


@given(values)
def test_a_value_is_at_most_one_thirty_second_below_the_top_of_its_bucket(value: int) -> None:
    highest = highest_in(bucket_of(value))
    assert value <= highest <= value + value // 32


@given(values, values)
def test_a_larger_value_is_in_no_lower_bucket(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert bucket_of(low) <= bucket_of(high)


def test_the_buckets_follow_each_other_without_a_hole() -> None:
    for bucket in range(BUCKETS):
        assert bucket_of(highest_in(bucket)) == bucket
    for bucket in range(BUCKETS - 1):
        assert bucket_of(highest_in(bucket) + 1) == bucket + 1


def test_what_is_out_of_range_counts_as_the_nearest_that_is_in_it() -> None:
    assert bucket_of(-5) == 0
    assert bucket_of(2**40) == BUCKETS - 1


@given(st.lists(values, min_size=1), st.floats(0, 1))
def test_a_quantile_is_right_but_for_its_bucket(numbers: list[int], fraction: float) -> None:
    quantile = recorded(numbers).quantile(fraction)
    covered = sum(number <= quantile for number in numbers)
    assert covered >= fraction * len(numbers)
    below = sum(highest_in(bucket_of(number)) < quantile for number in numbers)
    assert below < max(1, fraction * len(numbers))


@given(st.lists(values), st.lists(values))
def test_adding_what_another_counted_is_recording_all_into_one(ours: list[int], theirs: list[int]) -> None:
    added = recorded(ours)
    added.add(recorded(theirs).counts())
    assert added.counts() == recorded(ours + theirs).counts()
    assert added.total == len(ours) + len(theirs)


def test_taking_begins_again_from_nothing() -> None:
    histogram = recorded([3, 3, 70])
    assert histogram.take() == {3: 2, 71: 1}
    assert histogram.take() == {}
    assert histogram.quantile(0.5) == 0
