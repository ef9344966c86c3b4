"""A viewer who answers pings lives; one who does not is found out within two heartbeats."""

from dropcast.edge.pulse import VISITS_PER_STALL, Beat, Pulse


def test_a_silent_viewer_is_asked_once_and_given_a_heartbeat_to_answer() -> None:
    pulse = Pulse()
    beats = [pulse.visit(0) for _ in range(8)]
    asked, found_out = beats.index(Beat.PING), beats.index(Beat.DEAD)
    assert beats.count(Beat.PING) == 1
    assert found_out - asked == VISITS_PER_STALL
    assert found_out + 1 < 2 * VISITS_PER_STALL, "within two heartbeats of its last pong"


def test_whoever_answers_lives_for_ever() -> None:
    pulse, pongs = Pulse(), 0
    for _ in range(1_000):
        beat = pulse.visit(pongs)
        assert beat is not Beat.DEAD
        pongs += beat is Beat.PING


def test_an_answer_at_the_last_moment_is_in_time() -> None:
    pulse = Pulse()
    for _ in range(7):
        pulse.visit(0)
    assert pulse.visit(1) is Beat.FINE
