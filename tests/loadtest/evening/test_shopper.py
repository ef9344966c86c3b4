"""A mind with an agenda: what is decided is done at its time, and at the end of the show only holds are left."""

from typing import Any

import msgspec

from dropcast_client import Refused, Resynced
from dropcast_client.messages import DropOpened, ShowEnded, ShowStarted
from dropcast_client.parts import ShowView, State
from dropcast_loadtest.behaviour import Pace, Person, Tap
from dropcast_loadtest.evening.shopper import BreakLine, Browse, Finish, Shopper, TapOn
from tests.loadtest.evening.stage import HELD

PACE = Pace(reaction_s=1.0, hold_s=10.0, show_s=100.0)
TAP = Tap(0.5, 1, False)
PEOPLE = 400
FOREVER = 1e9


def event(kind: type, **fields: Any) -> Any:
    return msgspec.convert({"show": "friday", "seq": 1, "at_ms": 1, "offset": 1, **fields}, kind)


def opened(drop: str) -> Any:
    view = {
        "drop": drop,
        "status": "open",
        "limit": 2,
        "hold_ms": 1,
        "opened_at_ms": 1,
        "opens_at_ms": 0,
        "closes_at_ms": 0,
        "reveal_at_ms": 0,
        "prices": {"MUG": 1},
        "stock": {"MUG": 1},
        "card": {"product": "mug", "title": "Mug", "currency": "EUR", "variants": []},
    }
    return msgspec.convert(
        {"type": "drop_opened", "show": "friday", "seq": 1, "at_ms": 1, "offset": 1, "drop": view}, DropOpened
    )


def shoppers() -> list[Shopper]:
    return [Shopper(Person(1, number, PACE), 0.0) for number in range(PEOPLE)]


def deeds(shopper: Shopper, now_s: float = FOREVER) -> list[object]:
    found: list[object] = []
    while (deed := shopper.take(now_s)) is not None:
        found.append(deed)
    return found


def test_nothing_is_done_before_its_time() -> None:
    tapping = 0
    for shopper in shoppers():
        shopper.hears(opened("drop-1"), 0.0)
        wait_s = shopper.wait_s(0.0)
        assert wait_s > 0
        if wait_s < FOREVER:
            assert shopper.take(wait_s * 0.99) is None
            tapping += isinstance(shopper.take(wait_s), TapOn)
    assert tapping > PEOPLE / 2


def test_some_lines_break_in_mid_show_and_those_know_it_beforehand() -> None:
    breaking = 0
    for shopper in shoppers():
        broken = [deed for deed in deeds(shopper) if isinstance(deed, BreakLine)]
        assert bool(broken) == shopper.line_breaks
        breaking += len(broken)
    assert 0.05 * PEOPLE < breaking < 0.25 * PEOPLE


def test_whoever_comes_to_a_live_show_browses_and_whoever_waits_begins_when_it_starts() -> None:
    show = ShowView(
        show="friday",
        title="Friday",
        creator="cleo",
        currency="EUR",
        status="live",
        frozen=False,
        starts_at_ms=0,
        started_at_ms=1,
        ended_at_ms=0,
    )
    state = State(show=show, drops=(), viewers=0, offset=0)
    live = Resynced(show="friday", epoch="e", seq=1, state=state, holds=(), first=True)
    waiting = msgspec.structs.replace(
        live, state=msgspec.structs.replace(state, show=msgspec.structs.replace(show, status="scheduled"))
    )
    late, early = Shopper(Person(1, 1, PACE), 0.0), Shopper(Person(1, 1, PACE), 0.0)
    late.hears(live, 0.0)
    early.hears(waiting, 0.0)
    assert any(isinstance(deed, Browse) for deed in deeds(late))
    assert not any(isinstance(deed, Browse) for deed in deeds(early))
    early.hears(event(ShowStarted, type="show_started"), 0.0)
    early.hears(event(ShowStarted, type="show_started"), 0.0)
    assert sum(isinstance(deed, Browse) for deed in deeds(early)) == 1


def test_the_end_of_the_show_leaves_only_holds_and_those_at_once() -> None:
    paying = 0
    for shopper in shoppers():
        shopper.hears(opened("drop-1"), 0.0)
        taps = [deed for deed in deeds(shopper) if isinstance(deed, TapOn)]
        for tap in taps:
            shopper.reserved(tap, HELD, 5.0)
        shopper.hears(opened("drop-2"), 6.0)
        shopper.hears(event(ShowEnded, type="show_ended"), 7.0)
        assert shopper.is_over
        left = deeds(shopper, 7.0)
        assert all(isinstance(deed, Finish) for deed in left)
        assert shopper.wait_s(7.0) == float("inf")
        paying += len(left)
    assert paying > PEOPLE / 3


def test_a_hold_that_is_granted_after_the_end_is_finished_too() -> None:
    finished = 0
    for shopper in shoppers():
        shopper.hears(event(ShowEnded, type="show_ended"), 1.0)
        shopper.reserved(TapOn("drop-1", TAP), HELD, 2.0)
        finished += len(deeds(shopper, 2.0))
    assert finished > PEOPLE / 2


def test_who_has_bought_lets_the_drops_news_pass() -> None:
    for shopper in shoppers():
        shopper.bought("drop-1")
        shopper.hears(opened("drop-1"), 0.0)
        assert not any(isinstance(deed, TapOn) for deed in deeds(shopper))


def test_a_refusal_makes_some_tap_again() -> None:
    refused = Refused(re=1, show="friday", reason="sold_out", offset=1)
    again = 0
    for shopper in shoppers():
        shopper.hears(opened("drop-1"), 0.0)
        for tap in [deed for deed in deeds(shopper) if isinstance(deed, TapOn)]:
            shopper.reserved(tap, refused, 5.0)
            again += any(isinstance(deed, TapOn) for deed in deeds(shopper))
    assert 0 < again < PEOPLE / 2


def test_without_an_answer_nothing_follows() -> None:
    for shopper in shoppers():
        deeds(shopper)
        shopper.reserved(TapOn("drop-1", TAP), None, 1.0)
        assert shopper.take(FOREVER) is None
