"""The session's connection: states, delays, deadlines, and what each code leads to."""

import pytest

from dropcast_client.codes import Local
from dropcast_client.errors import Disconnected
from dropcast_client.states import Phase
from tests.sdk.driver import TICK_MS, Driver, error, stock, welcome
from tests.sdk.worker import SHOW

SILENCE_S = 2.4 * TICK_MS / 1000


def test_connect_dials_at_once_says_hello_and_is_connected_by_the_welcome() -> None:
    driver = Driver()
    driver.session.connect(driver.now_s)
    assert [dial.attempt for dial in driver.dials()] == [0]
    driver.open("token-of-eve")
    hello = driver.last_sent("hello")
    assert hello["token"] == "token-of-eve"
    driver.welcome()
    assert driver.changes() == [("connecting", Local.ASKED), ("connected", Local.WELCOME)]
    assert driver.session.welcome is not None
    assert driver.session.welcome.viewer == "eve"


def test_a_guest_says_the_token_of_the_last_welcome() -> None:
    driver = Driver()
    driver.session.connect(driver.now_s)
    driver.open()
    driver.welcome(token="guest-7")
    assert driver.session.guest_token == "guest-7"
    driver.lose()
    driver.wait_until_due()
    driver.open()
    assert driver.last_sent("hello")["token"] == "guest-7"


@pytest.mark.parametrize("code", [Local.LOST, 1000, 1001, 1006, 1011, 1012, 4000, 4001, 4003, 4499, 502, 429])
def test_after_these_codes_it_comes_back(code: int) -> None:
    driver = Driver().connected()
    driver.lose(code, "why")
    assert driver.session.connection == (Phase.CONNECTING, code, "why")
    assert driver.dials() == []
    driver.wait_until_due()
    assert len(driver.dials()) == 1


@pytest.mark.parametrize("code", [4500, 4501, 4999, 1002, 1003, 1007, 1009, 400, 404, Local.NO_SUBPROTOCOL])
def test_after_these_codes_it_stays_away(code: int) -> None:
    driver = Driver().connected()
    driver.session.watch(SHOW, driver.now_s)
    driver.lose(code, "why")
    assert driver.session.connection == (Phase.DISCONNECTED, code, "why")
    assert driver.session.wake_at_s == float("inf")
    [end] = driver.ends()
    assert isinstance(end.error, Disconnected)
    assert (end.show, end.error.code, end.error.reason) == (SHOW, code, "why")
    with pytest.raises(Disconnected):
        driver.reserve()


def test_delays_grow_while_it_does_not_come_about_and_are_small_again_after_a_good_connection() -> None:
    driver = Driver().connected()
    delays = []
    for _ in range(3):
        driver.lose()
        delays.append(round(driver.session.wake_at_s - driver.now_s, 3))
        driver.wait_until_due()
    driver.open()
    driver.welcome()
    driver.wait(4.9)
    driver.lose()
    delays.append(round(driver.session.wake_at_s - driver.now_s, 3))
    driver.wait_until_due()
    driver.open()
    driver.welcome()
    driver.wait(5.1)
    driver.lose()
    delays.append(round(driver.session.wake_at_s - driver.now_s, 3))
    assert delays == [0.6, 1.0, 1.8, 3.4, 0.6]


def test_each_dial_has_the_next_number_so_that_the_next_server_is_tried() -> None:
    driver = Driver()
    driver.session.connect(driver.now_s)
    for _ in range(2):
        driver.lose()
        driver.wait_until_due()
    assert [dial.attempt for dial in driver.dials()] == [0, 1, 2]


def test_without_a_welcome_in_time_it_hangs_up_and_dials_again() -> None:
    driver = Driver()
    driver.session.connect(driver.now_s)
    driver.open()
    driver.wait(9.9)
    assert driver.hang_ups() == []
    driver.wait(0.2)
    assert len(driver.hang_ups()) == 1
    assert driver.session.connection[:2] == (Phase.CONNECTING, Local.NO_WELCOME)


@pytest.mark.parametrize(
    ("code", "temporary", "renews", "phase"),
    [
        ("engine_away", True, False, Phase.CONNECTING),
        ("unauthorized", False, True, Phase.DISCONNECTED),
        ("token_expired", False, False, Phase.DISCONNECTED),
        ("token_expired", False, True, Phase.CONNECTING),
    ],
)
def test_a_refused_hello(code: str, temporary: bool, renews: bool, phase: Phase) -> None:
    driver = Driver(renews=renews)
    driver.session.connect(driver.now_s)
    driver.open()
    driver.say(error(driver.last_sent("hello")["id"], code, temporary=temporary))
    assert driver.session.connection == (phase, Local.HELLO_REFUSED, f"{code}: {code}")
    assert len(driver.hang_ups()) == 1


def test_silence_is_a_lost_connection_and_half_of_it_is_a_ping() -> None:
    driver = Driver().connected()
    driver.wait(SILENCE_S / 2)
    assert len(driver.sent("ping")) == 1
    driver.wait(SILENCE_S / 2 - 0.1)
    assert driver.hang_ups() == []
    driver.wait(0.1)
    assert driver.session.connection[:2] == (Phase.CONNECTING, Local.SILENT)
    [hang_up] = driver.hang_ups()
    assert not hang_up.polite


def test_whatever_is_heard_ends_the_silence() -> None:
    driver = Driver().connected()
    for _ in range(10):
        driver.wait(25.0)
        driver.say({"type": "tick", "server_time_ms": 1})
    assert driver.hang_ups() == []
    assert driver.sent("ping") == []


def test_the_silence_that_the_application_gives_stands() -> None:
    driver = Driver(silence_s=2.0).connected()
    driver.wait(2.0)
    assert driver.session.connection.code == Local.SILENT


def test_pongs_sharpen_the_clock() -> None:
    driver = Driver().connected()
    driver.wait(SILENCE_S / 2)
    ping = driver.last_sent("ping")
    driver.now_s += 0.01
    driver.say({"type": "pong", "re": ping["id"], "server_time_ms": 1_700_000_500_000})
    assert driver.session.clock.known
    assert driver.session.clock.uncertainty_ms <= 5.001


def test_nonsense_is_hung_up_on_and_it_comes_back() -> None:
    driver = Driver().connected()
    driver.session.received(b"<html>", driver.now_s)
    assert len(driver.hang_ups()) == 1
    assert driver.session.connection[:2] == (Phase.CONNECTING, Local.BAD_MESSAGE)


def test_close_ends_everything_politely() -> None:
    driver = Driver().watching()
    driver.reserve()
    driver.session.close()
    [hang_up] = driver.hang_ups()
    assert hang_up.polite
    [end] = driver.ends()
    assert end.error is None
    assert len(driver.resolved()) == 1
    assert driver.session.connection[:2] == (Phase.DISCONNECTED, Local.CLOSED)


def test_after_close_it_may_connect_again() -> None:
    driver = Driver().connected()
    driver.session.close()
    driver.session.connect(driver.now_s)
    assert driver.session.connection.phase is Phase.CONNECTING


def test_connect_twice_is_a_mistake() -> None:
    driver = Driver().connected()
    with pytest.raises(ValueError, match="connect does not apply while connected"):
        driver.session.connect(driver.now_s)


def test_messages_that_nobody_asked_for_are_ignored() -> None:
    driver = Driver().connected()
    driver.say(welcome(999))
    driver.say(stock(1, 1))
    driver.say({"type": "error", "re": None, "code": "x", "message": "x", "temporary": False})
    driver.say({"type": "confetti"})
    assert driver.take() == []
