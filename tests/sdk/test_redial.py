"""When a lost connection is dialled again."""

import pytest

from dropcast_client.backoff import Backoff
from dropcast_client.clock import NEVER
from dropcast_client.codes import Close, Local
from dropcast_client.redial import OPEN_S, STEADY_S, Redial


def widest() -> Redial:
    """Delays are as long as they may be: 0.2 s and 0.2 s times 2, 4, 8 ..."""
    return Redial(Backoff(0.2, 20.0, uniform=lambda low, high: high))


def test_delays_grow_until_a_connection_has_lasted() -> None:
    redial = widest()
    delays = []
    for now_s in (100.0, 200.0, 300.0):
        redial.lost(Local.LOST, now_s)
        delays.append(redial.dial_at_s - now_s)
    assert delays == pytest.approx([0.6, 1.0, 1.8])
    redial.dialled(400.0)
    redial.welcomed(400.0)
    redial.lost(Local.LOST, 400.0 + STEADY_S)
    assert redial.dial_at_s == pytest.approx(400.0 + STEADY_S + 0.6)


def test_a_dial_may_take_so_long() -> None:
    redial = widest()
    assert [redial.dialled(1.0), redial.dialled(2.0)] == [0, 1]
    assert (redial.dial_at_s, redial.open_by_s) == (NEVER, 2.0 + OPEN_S)
    redial.welcomed(3.0)
    assert redial.wake_at_s == NEVER


def test_a_server_that_goes_away_is_not_dialled_before_its_time() -> None:
    redial = widest()
    redial.going_away(5_000, 100.0)
    redial.lost(Close.GOING_AWAY, 101.0)
    assert redial.dial_at_s == pytest.approx(105.0 + 0.6)
    redial.lost(Local.LOST, 106.0)
    assert redial.dial_at_s == pytest.approx(106.0 + 1.0)


def test_what_a_server_said_long_ago_delays_nothing() -> None:
    redial = widest()
    redial.going_away(1_000, 100.0)
    redial.lost(Close.GOING_AWAY, 150.0)
    assert redial.dial_at_s == pytest.approx(150.6)


@pytest.mark.parametrize("code", [Close.TOO_MANY_CONNECTIONS, Close.FLOOD])
def test_who_is_told_to_slow_down_waits_longer_even_after_a_good_connection(code: Close) -> None:
    redial = widest()
    redial.welcomed(0.0)
    redial.lost(code, 100.0)
    assert redial.dial_at_s == pytest.approx(100.0 + 0.2 + 6.4)
