"""A session whose viewer is banned, whose worker goes away, and whose show is left while a call waits for it."""

from dropcast_client.errors import CallError
from tests.sdk.driver import Driver, error
from tests.sdk.worker import SHOW


def test_a_ban_ends_the_show_with_the_servers_word_for_it() -> None:
    driver = Driver().watching()
    driver.say({"type": "banned", "show": SHOW})
    (end,) = driver.ends()
    assert end.show == SHOW
    assert isinstance(end.error, CallError)
    assert (end.error.code, end.error.temporary) == ("banned", False)
    driver.event(1)
    assert driver.events() == []
    assert driver.session.follow(SHOW) is None


def test_a_ban_from_a_show_that_nobody_watches_says_nothing() -> None:
    driver = Driver().watching()
    driver.say({"type": "banned", "show": "another"})
    assert driver.ends() == []


def test_after_a_ban_the_show_is_not_watched_again_by_itself() -> None:
    driver = Driver().watching()
    driver.say({"type": "banned", "show": SHOW})
    driver.lose()
    driver.wait_until_due()
    driver.open()
    driver.take()
    driver.open()
    driver.welcome()
    assert driver.sent("watch") == []


def test_an_answer_to_the_watch_of_a_banned_viewer_is_ignored() -> None:
    driver = Driver().connected()
    driver.session.watch(SHOW, driver.now_s)
    watch = driver.last_sent("watch")
    driver.say({"type": "banned", "show": SHOW})
    driver.say(error(watch["id"], "banned"))
    assert len(driver.ends()) == 1


def test_leaving_while_a_call_waits_for_the_watch_sends_the_call() -> None:
    driver = Driver().connected()
    driver.session.watch(SHOW, driver.now_s)
    driver.reserve()
    driver.collect()
    assert driver.sent("reserve") == []
    driver.session.leave(SHOW, driver.now_s)
    assert len(driver.sent("reserve")) == 1


def test_after_going_away_the_next_dial_comes_when_the_server_said() -> None:
    driver = Driver().watching()
    driver.say({"type": "going_away", "after_ms": 3_000})
    driver.now_s += 1.0
    driver.lose(4000, "this worker is going away: come back")
    assert driver.changes() == [("connecting", 4000)]
    assert driver.session.wake_at_s - driver.now_s > 2.0
    driver.wait_until_due()
    assert [dial.attempt for dial in driver.dials()] == [1]


def test_calls_go_on_until_the_server_closes() -> None:
    driver = Driver().watching()
    driver.say({"type": "going_away", "after_ms": 3_000})
    driver.reserve()
    assert len(driver.sent("reserve")) == 1
