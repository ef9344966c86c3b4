"""What several processes tell adds up."""

from dropcast.demo.lines import Progress
from dropcast.demo.tally import Tally


def test_counts_and_latencies_add_up() -> None:
    tally = Tally()
    tally.take(Progress(counts={"refused.sold_out": 2, "taps": 3}, fanout_us={1_000: 98}), 0.0)
    tally.take(Progress(counts={"refused.limit": 1, "taps": 4}, fanout_us={1_000: 1, 9_000: 1}), 0.2)
    assert tally.counts["taps"] == 7
    assert tally.by_reason("refused") == {"limit": 1, "sold_out": 2}
    assert (tally.fanout_ms(0.5), tally.fanout_ms(0.99), tally.fanout_ms(1.0)) == (1.0, 1.0, 9.0)


def test_before_anything_was_delivered_the_fan_out_is_zero() -> None:
    assert Tally().fanout_ms(0.99) == 0.0


def test_deliveries_are_counted_by_whole_seconds_and_silent_ones_are_kept() -> None:
    tally = Tally()
    for at_s, delivered in ((10.2, 5), (10.9, 6), (11.1, 7), (13.5, 8)):
        tally.take(Progress(counts={"delivered": delivered}), at_s)
    tally.pass_time(14.0)
    assert list(tally.delivered_by_second) == [11, 7, 0, 8]
