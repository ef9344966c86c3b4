"""The witness sees every frame and tells what was missed, repeated or late, whatever the SDK makes of it."""

from typing import Any

import msgspec

from dropcast_loadtest.tally import Tally
from dropcast_loadtest.witness import Witness


class Seat:
    """A witness, its tally, and a clock that stands still."""

    def __init__(self, codec: str = "json", *, times_fanout: bool = True) -> None:
        self.tally = Tally()
        self.encode = msgspec.json.encode if codec == "json" else msgspec.msgpack.encode
        self.witness = Witness(
            self.tally, show="friday", codec=codec, times_fanout=times_fanout, now_s=lambda: 1_000.0
        )

    def hears(self, **message: Any) -> None:
        self.witness.on_frame(self.encode({"show": "friday", **message}), 0.0)

    def joins(self, seq: int, epoch: str = "e1") -> None:
        self.hears(type="watching", re=2, epoch=epoch, seq=seq, recovered=False, state={})

    def recovers(self, seq: int, events: list[int]) -> None:
        numbered = [{"type": "drop_opened", "show": "friday", "seq": number, "at_ms": 1} for number in events]
        self.hears(type="watching", re=3, epoch="e1", seq=seq, recovered=True, events=numbered)

    def event(self, seq: int, at_ms: int = 999_990) -> None:
        self.hears(type="announcement", seq=seq, at_ms=at_ms, offset=0, text="hello")


def test_numbers_in_order_are_neither_gap_nor_repeat() -> None:
    seat = Seat()
    seat.joins(4)
    seat.event(5)
    seat.event(6)
    assert seat.tally.counts["gaps"] == seat.tally.counts["duplicates"] == 0
    assert seat.witness.seq == 6


def test_a_number_that_is_skipped_is_a_gap() -> None:
    seat = Seat()
    seat.joins(4)
    seat.event(8)
    assert seat.tally.counts["gaps"] == 3


def test_a_number_that_comes_again_is_a_duplicate() -> None:
    seat = Seat()
    seat.joins(4)
    seat.event(5)
    seat.event(5)
    assert seat.tally.counts["duplicates"] == 1


def test_a_recovery_goes_on_where_the_old_socket_ended() -> None:
    seat = Seat()
    seat.joins(4)
    seat.recovers(7, [5, 6, 7])
    seat.event(8)
    assert seat.tally.counts["gaps"] == seat.tally.counts["duplicates"] == 0
    assert seat.tally.counts["recovered"] == 1


def test_a_recovery_that_leaves_something_out_is_a_gap() -> None:
    seat = Seat()
    seat.joins(4)
    seat.recovers(7, [5, 6])
    assert seat.tally.counts["gaps"] == 1


def test_a_whole_state_that_skips_events_is_a_gap() -> None:
    seat = Seat()
    seat.joins(4)
    seat.joins(9)
    assert seat.tally.counts["gaps"] == 5


def test_a_new_epoch_has_numbers_of_its_own() -> None:
    seat = Seat()
    seat.joins(40)
    seat.hears(type="resync", epoch="e2", seq=3, state={})
    seat.event(4)
    assert seat.tally.counts["gaps"] == seat.tally.counts["duplicates"] == 0


def test_replies_are_no_deliveries() -> None:
    seat = Seat()
    seat.joins(4)
    seat.hears(type="held", re=9, hold="h", offset=3)
    seat.hears(type="stock", offset=3, units={})
    seat.event(5)
    assert seat.tally.counts["delivered"] == 2
    assert seat.tally.counts["numbered"] == 1


def test_fanout_is_the_time_from_the_event_to_its_receipt_in_both_codecs() -> None:
    for codec in ("json", "msgpack"):
        seat = Seat(codec)
        seat.joins(4)
        seat.event(5, at_ms=999_990)
        assert 10_000 <= seat.tally.fanout_us.quantile(1.0) <= 10_313


def test_a_seat_behind_a_relay_times_nothing() -> None:
    seat = Seat(times_fanout=False)
    seat.joins(4)
    seat.event(5)
    assert seat.tally.fanout_us.total == 0
