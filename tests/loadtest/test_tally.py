"""Each take gives only what is new."""

from dropcast_loadtest.progress import Receipt
from dropcast_loadtest.tally import Tally

RECEIPT = Receipt(order="o1", viewer="vera", drop="d1", sku="M", qty=1, amount_minor=990)


def test_a_take_has_everything_since_the_one_before() -> None:
    tally = Tally()
    tally.count("taps", 2)
    tally.fanout_us.record(1_000)
    tally.receipt(RECEIPT)
    tally.unknown_hold("h1")
    first = tally.take()
    assert first.counts == {"taps": 2}
    assert sum(first.fanout_us.values()) == 1
    assert first.receipts == [RECEIPT]
    assert first.unknown_holds == ["h1"]
    tally.count("taps")
    second = tally.take()
    assert second.counts == {"taps": 1}
    assert (second.fanout_us, second.receipts, second.unknown_holds) == ({}, [], [])
