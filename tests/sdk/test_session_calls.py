"""Calls: what is said again after a lost connection, and what a caller is told when no answer comes."""

import pytest

from dropcast_client.errors import CallError, Disconnected, OutcomeUnknown
from dropcast_client.events import Unknown
from dropcast_client.messages import Held, Refused
from tests.sdk.driver import Driver, a_state, error, personal
from tests.sdk.worker import SHOW, hold_view


def held(re: int, offset: int = 11) -> dict[str, object]:
    return {"type": "held", "re": re, "show": SHOW, "offset": offset, **hold_view()}


def come_back(driver: Driver) -> None:
    driver.lose()
    driver.wait_until_due()
    driver.open()
    driver.welcome()


def test_a_call_is_answered_by_the_reply_with_its_number() -> None:
    driver = Driver().connected()
    first, second = driver.reserve("k1"), driver.reserve("k2")
    driver.say({"type": "refused", "re": second, "show": SHOW, "reason": "sold_out", "offset": 3})
    driver.say(held(first))
    answers = driver.resolved()
    assert isinstance(answers[first], Held)
    assert isinstance(answers[second], Refused)


def test_an_error_is_raised_with_its_code() -> None:
    driver = Driver().connected()
    call = driver.reserve()
    driver.say(error(call, "engine_away", temporary=True))
    answer = driver.resolved()[call]
    assert isinstance(answer, CallError)
    assert (answer.code, answer.temporary, answer.outcome_unknown) == ("engine_away", True, True)


def test_a_call_under_way_is_said_again_with_the_same_key_after_the_connection_was_lost() -> None:
    driver = Driver().connected()
    call = driver.reserve("k1")
    come_back(driver)
    first, second = driver.sent("reserve")
    assert first == second
    driver.say(held(call))
    assert isinstance(driver.resolved()[call], Held)


def test_a_call_that_was_said_and_not_answered_in_time_has_an_unknown_outcome() -> None:
    driver = Driver().connected()
    call = driver.reserve("k1", timeout_s=3.0)
    come_back(driver)
    driver.wait(3.0)
    answer = driver.resolved()[call]
    assert isinstance(answer, OutcomeUnknown)
    assert answer.command.id == call


def test_a_call_that_was_never_said_was_not_carried_out() -> None:
    driver = Driver().connected()
    driver.lose(4000, "going away")
    call = driver.reserve("k1", timeout_s=0.1)
    driver.wait(0.1)
    answer = driver.resolved()[call]
    assert isinstance(answer, Disconnected)
    assert answer.code == 4000
    driver.wait(1.0)
    driver.open()
    driver.welcome()
    assert driver.sent("reserve") == []


def test_when_the_connection_ends_for_good_each_call_is_told_what_is_known_of_it() -> None:
    driver = Driver().connected()
    said = driver.reserve("k1")
    driver.lose(1006)
    unsaid = driver.reserve("k2")
    driver.wait_until_due()
    driver.lose(4501, "no")
    answers = driver.resolved()
    assert isinstance(answers[said], OutcomeUnknown)
    assert isinstance(answers[unsaid], Disconnected)


def test_a_late_answer_and_one_that_nobody_waits_for_are_ignored() -> None:
    driver = Driver().connected()
    late = driver.reserve("k1", timeout_s=1.0)
    forgotten = driver.reserve("k2")
    driver.session.forget(forgotten)
    driver.wait(1.0)
    driver.take()
    driver.say(held(late))
    driver.say(held(forgotten))
    assert driver.take() == []


def test_a_call_about_a_show_waits_until_that_show_is_watched() -> None:
    driver = Driver().connected()
    driver.session.watch(SHOW, driver.now_s)
    driver.reserve()
    assert driver.sent("reserve") == []
    driver.answer_watch(seq=0, recovered=False, state=a_state())
    assert len(driver.sent("reserve")) == 1


def test_a_call_goes_out_when_the_watch_is_refused_too() -> None:
    driver = Driver().connected()
    driver.session.watch(SHOW, driver.now_s)
    driver.reserve()
    driver.say(error(driver.last_sent("watch")["id"], "not_found"))
    assert len(driver.sent("reserve")) == 1


def test_calls_go_out_in_the_order_in_which_they_were_made() -> None:
    driver = Driver().connected()
    driver.lose()
    for key in ("a", "b", "c"):
        driver.reserve(key)
    driver.wait_until_due()
    driver.open()
    driver.welcome()
    assert [command["key"] for command in driver.sent("reserve")] == ["a", "b", "c"]


def test_what_the_server_would_close_the_socket_over_is_not_sent() -> None:
    driver = Driver().connected()
    call = driver.reserve("k" * 70_000)
    answer = driver.resolved()[call]
    assert isinstance(answer, CallError)
    assert answer.code == "too_large"
    assert driver.sent("reserve") == []


def test_a_reply_of_an_unknown_type_is_handed_to_the_caller() -> None:
    driver = Driver().connected()
    call = driver.reserve()
    driver.say({"type": "queued", "re": call, "place": 4})
    assert isinstance(driver.resolved()[call], Unknown)


@pytest.mark.parametrize("offset", [11, 12])
def test_the_viewers_holds_are_kept(offset: int) -> None:
    driver = Driver().watching()
    driver.say(held(driver.reserve()))
    assert [hold.hold for hold in driver.session.holds(SHOW).open()] == ["h1"]
    driver.say(personal("hold_expired", "expired", offset))
    assert driver.session.holds(SHOW).open() == ()
