import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropcast_client.clock import Clock

AHEAD_MS = 1_700_000_000_000


def test_the_server_is_taken_to_have_answered_half_way() -> None:
    clock = Clock()
    clock.add(10.0, 10.2, AHEAD_MS + 10_100)
    assert clock.server_time_ms(20.0) == AHEAD_MS + 20_000
    assert clock.uncertainty_ms == pytest.approx(100)


def test_the_shortest_round_trip_counts() -> None:
    clock = Clock()
    clock.add(10.0, 10.1, AHEAD_MS + 10_050)
    clock.add(20.0, 22.0, AHEAD_MS + 21_900)
    assert clock.server_time_ms(30.0) == AHEAD_MS + 30_000


def test_old_samples_are_forgotten() -> None:
    clock = Clock(samples=2)
    clock.add(10.0, 10.1, AHEAD_MS + 10_050)
    clock.add(20.0, 20.3, AHEAD_MS + 20_150 + 7)
    clock.add(30.0, 30.3, AHEAD_MS + 30_150 + 7)
    assert clock.server_time_ms(40.0) == AHEAD_MS + 40_007


def test_nothing_is_known_before_the_first_sample() -> None:
    clock = Clock()
    assert not clock.known
    assert clock.uncertainty_ms == float("inf")
    with pytest.raises(LookupError):
        clock.server_time_ms(1.0)


@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 2_000)), min_size=1, max_size=20))
def test_the_error_is_never_more_than_the_uncertainty(ways_ms: list[tuple[int, int]]) -> None:
    clock = Clock()
    now_ms = 1_000
    for there_ms, back_ms in ways_ms:
        clock.add(now_ms / 1000, (now_ms + there_ms + back_ms) / 1000, AHEAD_MS + now_ms + there_ms)
        now_ms += there_ms + back_ms
    assert abs(clock.server_time_ms(now_ms / 1000) - AHEAD_MS - now_ms) <= clock.uncertainty_ms + 0.01
