"""Counted values: a label that was never counted is 0, a histogram knows every observation."""

from dropcast.metrics.values import Histogram, Histograms, Tally, plain


def test_a_label_that_was_never_counted_is_zero_and_leaves_no_trace() -> None:
    tally = Tally()
    assert tally["ring"] == 0
    assert tally == {}
    tally["ring"] += 2
    assert plain(tally) == {"ring": 2}


def test_an_observation_falls_into_the_first_bucket_that_it_is_not_above() -> None:
    histogram = Histogram((1, 2, 4))
    for value in (0.5, 1, 1.5, 4, 5, 100):
        histogram.observe(value)
    assert histogram.cells == [2, 1, 1, 2, 112]


def test_a_histogram_is_made_for_each_label_that_is_observed() -> None:
    histograms = Histograms((1,))
    histograms["read"].observe(0.5)
    histograms["read"].observe(2)
    assert plain(histograms) == {"read": [1, 1, 2.5]}


def test_the_seconds_since_a_moment_are_observed() -> None:
    histogram = Histogram((60,))
    histogram.since(0.0)
    assert sum(histogram.cells[:-1]) == 1
    assert histogram.cells[-1] > 0
