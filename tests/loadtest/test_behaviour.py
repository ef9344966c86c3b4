"""People are seeded: the same seed shops the same, and a crowd of them shops like a crowd."""

from collections import Counter

from dropcast_loadtest.behaviour import DECLINE, Intent, Pace, Person, Reason

PACE = Pace(reaction_s=0.5, hold_s=3.0, show_s=20.0)
CROWD = [Person(1, number, PACE) for number in range(1_000)]


def test_the_same_seed_makes_the_same_person() -> None:
    one, other = Person(7, 3, PACE), Person(7, 3, PACE)
    for _ in range(20):
        assert one.tap(Reason.OPENED) == other.tap(Reason.OPENED)
        assert one.ending() == other.ending()
    assert one.reconnects_after_s() == other.reconnects_after_s()


def test_another_seed_makes_other_people() -> None:
    assert [Person(1, n, PACE).ending() for n in range(20)] != [
        Person(2, n, PACE).ending() for n in range(20)
    ]


def test_most_tap_on_a_new_drop_and_fewer_on_an_old_one() -> None:
    new = sum(person.tap(Reason.OPENED) is not None for person in CROWD)
    changed = sum(person.tap(Reason.UPDATED) is not None for person in CROWD)
    assert 500 < new < 900
    assert 100 < changed < new


def test_nobody_taps_before_the_card_or_long_after_it() -> None:
    taps = [tap for person in CROWD if (tap := person.tap(Reason.OPENED)) is not None]
    assert all(0 < tap.delay_s <= 8 * PACE.reaction_s for tap in taps)
    assert {tap.qty for tap in taps} == {1, 2}
    assert any(tap.twice for tap in taps)


def test_most_choose_what_is_left_and_some_what_is_sold_out() -> None:
    chosen = Counter(person.choose({"S": 0, "M": 4, "L": 0}) for person in CROWD)
    assert chosen["M"] > 600
    assert chosen["S"] > 0
    assert chosen["L"] > 0


def test_when_nothing_is_left_they_still_tap_on_their_size() -> None:
    assert {person.choose({"S": 0, "M": 0}) for person in CROWD} == {"S", "M"}


def test_holds_end_in_every_way() -> None:
    endings = [person.ending() for person in CROWD]
    assert {ending.intent for ending in endings} == set(Intent)
    paying = [ending for ending in endings if ending.intent is Intent.PAY]
    assert len(paying) > 600
    assert all(ending.payments and 0 <= ending.delay_s <= PACE.hold_s for ending in paying)
    assert any(ending.payments == (DECLINE,) for ending in paying)
    assert any(ending.payments[0] == DECLINE and len(ending.payments) == 2 for ending in paying)


def test_a_browsing_person_looks_at_the_newest_drop_most() -> None:
    picked = Counter(person.pick_drop(["old", "newer", "newest"]) for person in CROWD)
    assert picked["newest"] > picked["newer"] > picked["old"] > 0
    assert CROWD[0].pick_drop(["only"]) == "only"


def test_some_lines_break_and_then_within_the_show() -> None:
    breaks = [after_s for person in CROWD if (after_s := person.reconnects_after_s()) is not None]
    assert 50 < len(breaks) < 250
    assert all(0 < after_s < PACE.show_s for after_s in breaks)
