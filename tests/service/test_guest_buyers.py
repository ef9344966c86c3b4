"""Guests of one address have so many places in a show; a place is free again when its guest holds nothing any more."""

from typing import Any

import msgspec
import pytest

from dropcast.domain.events import Movement, MovementKind, Publication, Snapshot
from dropcast.domain.faults import EngineAway
from dropcast.domain.hold import Hold, HoldState
from dropcast.domain.show import Show
from dropcast.domain.state import Applied, ShowState
from dropcast.domain.trades import Granted, Invalid, Outcome, Problem, Reason, Refused
from dropcast.service.guest_buyers import GuestBuyers

DEADLINE_MS = 60_000
HOME, OFFICE = "203.0.113.7", "203.0.113.8"


class Place:
    """A show as a worker follows it, and the guests who buy in it; two places at an address."""

    def __init__(self, *, is_followed: bool = True) -> None:
        snapshot = Snapshot(
            show=Show(id="friday", title="Friday", creator="cleo", currency="EUR"),
            epoch="e",
            seq=0,
            offset=0,
            at_ms=0,
            drops=(),
            units=(),
            holds=(),
        )
        self.state = ShowState(snapshot)
        self.now_ms = 0
        self.offset = 0
        self.unpublished: list[Movement] = []
        self.guests = GuestBuyers(2, lambda show: self.state if is_followed else None)

    def enter(self, guest: str, address: str = HOME) -> bool:
        return self.guests.enter("friday", address, guest, self.now_ms)

    def leave(self, guest: str, outcome: Outcome | EngineAway, address: str = HOME) -> None:
        self.guests.leave("friday", address, guest, outcome)

    def buy(self, guest: str, address: str = HOME, *, is_published: bool = True) -> bool:
        """Reserve one; return whether the guest was let in."""
        if not self.enter(guest, address):
            return False
        self.offset += 1
        self.leave(guest, Granted(hold(guest), self.offset), address)
        self.unpublished.append(movement(MovementKind.HELD, guest))
        if is_published:
            self.publish()
        return True

    def publish(self) -> None:
        for number, change in enumerate(self.unpublished, start=self.state.offset + 1):
            assert self.state.apply(Publication("e", 0, number, 0, (), (change,), ())) is Applied.DONE
        self.unpublished.clear()

    def move(self, kind: MovementKind, guest: str) -> None:
        self.offset += 1
        self.unpublished.append(movement(kind, guest))
        self.publish()


def hold(guest: str, state: HoldState = HoldState.HELD) -> Hold:
    return Hold(f"hold of {guest}", guest, "d1", "RED", 1, state, DEADLINE_MS, 100)


def movement(kind: MovementKind, guest: str) -> Movement:
    return Movement(kind, "d1", "RED", 1, f"hold of {guest}", guest, DEADLINE_MS, 100)


@pytest.fixture
def place() -> Place:
    return Place()


def test_an_address_has_so_many_guests_and_no_more(place: Place) -> None:
    assert [place.buy(guest) for guest in ("g1", "g2", "g3")] == [True, True, False]
    assert place.buy("g3", OFFICE)


def test_shows_are_counted_apart(place: Place) -> None:
    assert [place.guests.enter("friday", HOME, f"g{number}", 0) for number in range(3)] == [True, True, False]
    assert place.guests.enter("monday", HOME, "g3", 0)


def test_a_reserve_that_waits_for_its_outcome_counts(place: Place) -> None:
    assert [place.enter(guest) for guest in ("g1", "g2", "g3")] == [True, True, False]
    place.leave("g1", Refused(Reason.SOLD_OUT, 1))
    assert place.enter("g3")


@pytest.mark.parametrize(
    "outcome",
    [
        Refused(Reason.SOLD_OUT, 1),
        Invalid(Problem.UNKNOWN_SHOW),
        EngineAway("away"),
        Granted(hold("g1", HoldState.SOLD), 1),
    ],
    ids=lambda outcome: type(outcome).__name__,
)
def test_whoever_gets_nothing_has_no_place_and_leaves_nothing_behind(
    place: Place, outcome: Outcome | EngineAway
) -> None:
    assert place.enter("g1")
    place.leave("g1", outcome)
    assert len(place.guests) == 0


def test_a_guest_who_holds_something_is_never_refused(place: Place) -> None:
    assert [place.buy(guest) for guest in ("g1", "g2", "g3")] == [True, True, False]
    assert place.enter("g1")
    assert place.enter("g1")
    place.leave("g1", Refused(Reason.LIMIT, 1))
    assert not place.enter("g3")


@pytest.mark.parametrize("kind", [MovementKind.RELEASED, MovementKind.EXPIRED, MovementKind.SOLD])
def test_the_end_of_a_hold_frees_its_place(place: Place, kind: MovementKind) -> None:
    assert [place.buy(guest) for guest in ("g1", "g2", "g3")] == [True, True, False]
    place.move(kind, "g1")
    place.now_ms += 100
    assert [place.buy(guest) for guest in ("g3", "g4")] == [True, False]


def test_a_guest_who_is_paying_keeps_the_place_beyond_the_first_deadline(place: Place) -> None:
    for guest in ("g1", "g2"):
        assert place.buy(guest)
        place.move(MovementKind.PAYING, guest)
    place.now_ms = DEADLINE_MS + 1_000
    assert not place.buy("g3")


def test_a_hold_counts_before_the_worker_has_heard_of_it(place: Place) -> None:
    assert [place.buy(guest, is_published=False) for guest in ("g1", "g2", "g3")] == [True, True, False]
    # Once it has heard, what it knows decides.
    place.publish()
    place.move(MovementKind.RELEASED, "g1")
    place.now_ms += 100
    assert place.buy("g3")


def test_a_hold_that_is_never_heard_of_counts_until_its_deadline(place: Place) -> None:
    assert place.buy("g1", is_published=False)
    assert place.buy("g2", is_published=False)
    place.now_ms = DEADLINE_MS - 1
    assert not place.enter("g3")
    place.now_ms = DEADLINE_MS + 100
    assert place.enter("g3")


def test_where_the_show_is_not_followed_the_deadline_decides() -> None:
    place = Place(is_followed=False)
    assert [place.buy(guest, is_published=False) for guest in ("g1", "g2", "g3")] == [True, True, False]
    assert place.buy("g1", is_published=False)
    place.now_ms = DEADLINE_MS
    assert place.buy("g3", is_published=False)


def test_a_guest_who_moves_is_not_refused_and_counts_at_both_addresses(place: Place) -> None:
    assert [place.buy(guest) for guest in ("g1", "g2")] == [True, True]
    assert [place.buy(guest, OFFICE) for guest in ("g3", "g4")] == [True, True]
    assert place.enter("g1", OFFICE)
    place.offset += 1
    place.leave("g1", Granted(hold("g1"), place.offset), OFFICE)
    place.unpublished.append(movement(MovementKind.HELD, "g1"))
    place.publish()
    assert not place.enter("g5")
    assert not place.enter("g5", OFFICE)


def test_an_address_that_is_full_is_looked_through_again_after_a_moment_whatever_the_clock_does(
    place: Place,
) -> None:
    assert [place.buy(guest) for guest in ("g1", "g2", "g3")] == [True, True, False]
    place.move(MovementKind.RELEASED, "g1")
    assert not place.enter("g3")
    place.now_ms -= 3_600_000
    assert place.enter("g3")


def test_addresses_whose_guests_hold_nothing_any_more_are_forgotten(place: Place) -> None:
    for number in range(5_000):
        guest = f"g{number}"
        assert place.buy(guest, f"address {number}")
        place.move(MovementKind.RELEASED, guest)
    assert len(place.guests) < 10


def test_addresses_whose_guests_hold_something_are_kept(place: Place) -> None:
    for number in range(1_000):
        assert place.buy(f"a{number}", f"address {number}")
        assert place.buy(f"b{number}", f"address {number}")
    assert len(place.guests) == 1_000
    assert not any(place.enter(f"c{number}", f"address {number}") for number in range(1_000))


def test_a_state_that_was_read_anew_decides(place: Place) -> None:
    assert [place.buy(guest) for guest in ("g1", "g2")] == [True, True]
    snapshot: dict[str, Any] = {"holds": (hold("g2"),), "offset": 9}
    place.state = ShowState(
        msgspec.structs.replace(
            Snapshot(place.state.show, "e2", 0, 0, 0, (), (), ()),
            **snapshot,
        )
    )
    assert place.enter("g3")
    assert not place.enter("g4")
