"""Watching: each numbered event once and in order, or a new state; stale figures never."""

import pytest

from dropcast_client.codes import Local
from dropcast_client.errors import CallError
from dropcast_client.events import Recovered, Resynced, Unknown
from dropcast_client.messages import Announcement, HoldExpired, Stock, Viewers
from tests.sdk.driver import Driver, a_state, an_event, error, personal, stock
from tests.sdk.worker import SHOW, hold_view


def kinds(driver: Driver) -> list[str]:
    return [type(event).__name__ for event in driver.events()]


def seqs(driver: Driver) -> list[int]:
    return [event.seq for event in driver.events() if isinstance(event, Announcement)]


def come_back(driver: Driver) -> None:
    driver.lose()
    driver.wait_until_due()
    driver.open()
    driver.welcome()


def test_the_first_thing_handed_on_is_the_whole_state() -> None:
    driver = Driver().connected()
    driver.session.watch(SHOW, driver.now_s)
    assert "since" not in driver.last_sent("watch")
    driver.answer_watch(seq=7, recovered=False, state=a_state(), holds=[hold_view()], holds_at=10)
    [event] = driver.events()
    assert isinstance(event, Resynced)
    assert (event.epoch, event.seq, event.first, event.state.viewers) == ("e1", 7, True, 1)
    assert [hold.hold for hold in event.holds] == ["h1"]


def test_events_before_the_answer_to_a_watch_are_in_the_answer() -> None:
    driver = Driver().connected()
    driver.session.watch(SHOW, driver.now_s)
    driver.event(4)
    driver.say(stock(1, 11))
    driver.answer_watch(seq=4, recovered=False, state=a_state())
    assert kinds(driver) == ["Resynced"]


def test_numbered_events_are_handed_on_once() -> None:
    driver = Driver().watching()
    for seq in (1, 1, 2, 1, 2, 3):
        driver.event(seq)
    assert seqs(driver) == [1, 2, 3]
    assert driver.sent("watch") == []


def test_a_gap_is_watched_again_from_the_last_event_and_closed_before_anything_else() -> None:
    driver = Driver().watching()
    driver.event(1)
    driver.event(3)
    driver.event(4)
    [watch] = driver.sent("watch")
    assert watch["since"] == {"epoch": "e1", "seq": 1}
    driver.answer_watch(seq=4, recovered=True, events=[an_event(seq) for seq in (2, 3, 4)])
    driver.event(5)
    assert seqs(driver) == [1, 2, 3, 4, 5]
    assert kinds(driver)[-2:] == ["Recovered", "Announcement"]


def test_an_answer_that_does_not_close_the_gap_leads_to_the_whole_state() -> None:
    driver = Driver().watching()
    driver.event(2)
    driver.answer_watch(seq=3, recovered=True, events=[an_event(2), an_event(3)])
    assert "since" not in driver.last_sent("watch")
    assert driver.events() == []
    driver.answer_watch(seq=3, recovered=False, state=a_state())
    assert kinds(driver) == ["Resynced"]


def test_an_answer_that_goes_on_in_another_history_leads_to_the_whole_state() -> None:
    driver = Driver().watching(seq=1)
    driver.event(3)
    driver.answer_watch(epoch="e2", seq=2, recovered=True, events=[an_event(2)])
    assert driver.events() == []
    assert "since" not in driver.last_sent("watch")


def test_after_a_reconnect_the_missed_events_come_and_then_recovered() -> None:
    driver = Driver().watching()
    driver.event(1)
    come_back(driver)
    assert driver.last_sent("watch")["since"] == {"epoch": "e1", "seq": 1}
    driver.answer_watch(
        seq=3,
        recovered=True,
        events=[an_event(2), an_event(3)],
        stock={"drop-1": {"cap-red": 2}},
        holds=[hold_view()],
        holds_at=14,
    )
    assert kinds(driver) == ["Announcement", "Announcement", "Announcement", "Stock", "Recovered"]
    back = driver.events()[-1]
    assert isinstance(back, Recovered)
    assert (back.missed, back.seq, [hold.hold for hold in back.holds]) == (2, 3, ["h1"])


def test_after_a_reconnect_to_another_history_the_state_is_a_new_one() -> None:
    driver = Driver().watching(seq=5)
    driver.say(stock(1, 90))
    come_back(driver)
    driver.answer_watch(epoch="e2", seq=2, recovered=False, state=a_state(stock=4, offset=3))
    driver.event(3)
    driver.say(stock(3, 4))
    assert kinds(driver) == ["Stock", "Resynced", "Announcement", "Stock"]
    resynced = driver.events()[1]
    assert isinstance(resynced, Resynced)
    assert not resynced.first


def test_a_hold_that_ended_while_away_is_gone() -> None:
    driver = Driver().watching()
    driver.say(personal("hold_placed", "held", 11))
    come_back(driver)
    driver.answer_watch(seq=0, recovered=True, events=[], stock={}, holds=[], holds_at=12)
    assert driver.session.holds(SHOW).open() == ()


def test_resync_on_a_live_socket_replaces_everything() -> None:
    driver = Driver().watching(seq=5)
    driver.say({"type": "resync", "show": SHOW, "epoch": "e2", "seq": 1, "state": a_state(2, 3)})
    driver.event(2)
    driver.say(stock(1, 4))
    assert kinds(driver) == ["Resynced", "Announcement", "Stock"]
    assert driver.sent("watch") == []


def test_after_a_resync_a_viewer_with_holds_asks_what_became_of_them() -> None:
    driver = Driver().watching()
    driver.say(personal("hold_placed", "held", 99))
    driver.say({"type": "resync", "show": SHOW, "epoch": "e2", "seq": 1, "state": a_state(2, 3)})
    assert driver.last_sent("watch")["since"] == {"epoch": "e2", "seq": 1}
    driver.answer_watch(epoch="e2", seq=1, recovered=True, events=[], stock={}, holds=[], holds_at=3)
    assert driver.session.holds(SHOW).open() == ()


def test_stale_stock_is_not_handed_on() -> None:
    driver = Driver().watching(offset=10)
    driver.say(stock(4, 12))
    driver.say(stock(5, 11))
    driver.say(stock(4, 9))
    assert [event.offset for event in driver.events() if isinstance(event, Stock)] == [12]


def test_viewers_and_personal_events_are_handed_on_and_stale_personal_ones_are_not() -> None:
    driver = Driver().watching()
    driver.say({"type": "viewers", "show": SHOW, "viewers": 40})
    driver.say(personal("hold_expired", "expired", 12))
    driver.say(personal("hold_placed", "held", 11))
    assert [type(event) for event in driver.events()] == [Viewers, HoldExpired]
    follow = driver.session.follow(SHOW)
    assert follow is not None
    assert follow.state is not None
    assert follow.state.viewers == 40


def test_an_unknown_numbered_event_takes_its_place_in_the_order() -> None:
    driver = Driver().watching()
    driver.event(1)
    driver.event(2, "poll_opened", options=["a"])
    driver.event(3)
    assert kinds(driver) == ["Announcement", "Unknown", "Announcement"]
    assert driver.sent("watch") == []


def test_an_unknown_unnumbered_message_about_the_show_is_handed_on() -> None:
    driver = Driver().watching()
    driver.say({"type": "hearts", "show": SHOW, "hearts": 9})
    [event] = driver.events()
    assert isinstance(event, Unknown)


def test_a_show_that_is_not_there_ends_with_the_servers_error() -> None:
    driver = Driver().connected()
    driver.session.watch(SHOW, driver.now_s)
    driver.say(error(driver.last_sent("watch")["id"], "not_found"))
    [end] = driver.ends()
    assert isinstance(end.error, CallError)
    assert driver.session.follow(SHOW) is None


def test_a_temporary_error_is_tried_again_later_and_later() -> None:
    driver = Driver().connected()
    driver.session.watch(SHOW, driver.now_s)
    delays = []
    for count in range(1, 4):
        assert len(driver.sent("watch")) == count
        driver.say(error(driver.last_sent("watch")["id"], "engine_away", temporary=True))
        delays.append(round(driver.session.wake_at_s - driver.now_s, 3))
        driver.wait_until_due()
    assert delays == [0.6, 1.0, 1.8]
    assert driver.ends() == []


def test_a_watch_without_an_answer_is_a_lost_connection() -> None:
    driver = Driver().connected()
    driver.session.watch(SHOW, driver.now_s)
    driver.wait(14.0)
    driver.say({"type": "tick", "server_time_ms": 1})
    driver.wait(1.0)
    assert driver.session.connection.code == Local.SILENT


def test_after_leaving_nothing_is_handed_on() -> None:
    driver = Driver().watching()
    driver.session.leave(SHOW, driver.now_s)
    assert driver.last_sent("leave")["show"] == SHOW
    driver.event(1)
    driver.say(stock(1, 99))
    assert driver.events() == []


def test_an_answer_to_a_watch_of_before_leaving_is_ignored() -> None:
    driver = Driver().connected()
    driver.session.watch(SHOW, driver.now_s)
    old = driver.last_sent("watch")["id"]
    driver.session.leave(SHOW, driver.now_s)
    driver.session.watch(SHOW, driver.now_s)
    answer = {"type": "watching", "show": SHOW, "epoch": "e1", "seq": 1, "recovered": False}
    driver.say(answer | {"re": old, "state": a_state()})
    assert driver.events() == []
    driver.answer_watch(seq=2, recovered=False, state=a_state())
    [event] = driver.events()
    assert isinstance(event, Resynced)
    assert event.seq == 2


@pytest.mark.parametrize("recovered", [True, False])
def test_an_answer_without_what_it_promises_is_never_believed(recovered: bool) -> None:
    driver = Driver().connected()
    driver.session.watch(SHOW, driver.now_s)
    driver.answer_watch(seq=3, recovered=recovered)
    assert driver.events() == []
    if recovered:
        assert len(driver.sent("watch")) == 2
    else:
        assert driver.session.connection.code == Local.BAD_MESSAGE
