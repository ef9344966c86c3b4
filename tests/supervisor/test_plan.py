"""The supervisor's plan: what is started, stopped and restarted, and when. No process takes part."""

from math import inf

import pytest

from dropcast.supervisor.plan import PAUSE_MAX_S, STEADY_S, Kill, Phase, Plan, Start, Stop, pause_s

STOP_S = 10.0


def a_plan() -> Plan:
    return Plan([["engine"], ["w0", "w1"]], stop_s=STOP_S)


def a_running_plan() -> Plan:
    plan = a_plan()
    plan.steps(0.0)
    plan.ready("engine", 0.0)
    plan.steps(0.0)
    plan.ready("w0", 0.0)
    plan.ready("w1", 0.0)
    return plan


def test_workers_start_once_the_engine_is_ready() -> None:
    plan = a_plan()
    assert plan.steps(0.0) == [Start("engine")]
    assert plan.steps(0.0) == []
    plan.ready("engine", 1.0)
    assert plan.steps(1.0) == [Start("w0"), Start("w1")]
    plan.ready("w0", 2.0)
    up_before = plan.up
    plan.ready("w1", 2.0)
    assert (up_before, plan.up) == (False, True)
    assert plan.steps(2.0) == []
    assert plan.wake_s() == inf


def test_an_end_before_all_were_ready_fails_the_whole_and_stops_the_rest() -> None:
    plan = a_plan()
    plan.steps(0.0)
    plan.ready("engine", 0.0)
    plan.steps(0.0)
    plan.ready("w0", 0.0)
    assert plan.ended("w1", 0.5, "worker w1 ended with status 1") is None
    assert plan.failure == "worker w1 ended with status 1"
    assert plan.steps(0.5) == [Stop("w0")]
    plan.ended("w0", 0.6, "")
    assert plan.steps(0.6) == [Stop("engine")]
    plan.ended("engine", 0.7, "")
    assert plan.steps(0.7) == []
    assert plan.finished


def test_a_dead_worker_starts_again_after_a_pause() -> None:
    plan = a_running_plan()
    assert plan.ended("w0", 5.0, "") == pytest.approx(0.1)
    assert plan.steps(5.0) == []
    assert plan.wake_s() == pytest.approx(5.1)
    assert plan.steps(5.11) == [Start("w0")]


def test_the_workers_stay_while_the_engine_starts_again() -> None:
    plan = a_running_plan()
    plan.ended("engine", 5.0, "")
    assert plan.steps(6.0) == [Start("engine")]
    assert plan.phase("w0") is Phase.READY
    assert plan.phase("w1") is Phase.READY


def test_pauses_double_up_to_a_limit() -> None:
    pauses = [pause_s(failures) for failures in range(1, 6)]
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6])
    assert pause_s(1_000) == PAUSE_MAX_S


def test_a_child_that_keeps_dying_waits_longer_each_time() -> None:
    plan = a_running_plan()
    now_s, pauses = 0.0, []
    for _ in range(3):
        pause = plan.ended("w0", now_s, "")
        assert pause is not None
        pauses.append(pause)
        now_s += pause + 0.001
        assert plan.steps(now_s) == [Start("w0")]
        plan.ready("w0", now_s)
        now_s += 1.0
    assert pauses == pytest.approx([0.1, 0.2, 0.4])


def test_a_child_that_was_steady_has_a_clean_slate() -> None:
    plan = a_running_plan()
    plan.ended("w0", 1.0, "")
    plan.steps(2.0)
    plan.ready("w0", 2.0)
    assert plan.ended("w0", 2.0 + STEADY_S, "") == pytest.approx(0.1)


def test_a_stop_ends_the_workers_first_and_the_engine_when_they_are_gone() -> None:
    plan = a_running_plan()
    plan.stop()
    assert plan.steps(1.0) == [Stop("w0"), Stop("w1")]
    plan.ended("w0", 2.0, "")
    assert plan.steps(2.0) == []
    plan.ended("w1", 3.0, "")
    assert plan.steps(3.0) == [Stop("engine")]
    plan.ended("engine", 4.0, "")
    assert plan.finished
    assert plan.failure == ""


def test_a_worker_that_does_not_stop_in_time_is_killed() -> None:
    plan = a_running_plan()
    plan.stop()
    plan.steps(1.0)
    plan.ended("w0", 1.5, "")
    assert plan.wake_s() == pytest.approx(1.0 + STOP_S)
    assert plan.steps(10.9) == []
    assert plan.steps(11.0) == [Kill("w1")]
    assert plan.steps(12.0) == []
    plan.ended("w1", 12.0, "")
    assert plan.steps(12.0) == [Stop("engine")]


def test_a_second_signal_kills_what_has_not_stopped() -> None:
    plan = a_running_plan()
    plan.stop()
    plan.steps(1.0)
    plan.hurry()
    assert plan.steps(1.1) == [Kill("w0"), Kill("w1")]


def test_a_stop_does_not_start_what_was_waiting() -> None:
    plan = a_running_plan()
    plan.ended("w0", 1.0, "")
    plan.stop()
    assert plan.steps(5.0) == [Stop("w1")]
    plan.ended("w1", 5.0, "")
    plan.steps(5.0)
    plan.ended("engine", 5.0, "")
    assert plan.finished


def test_a_stop_before_anything_started_is_finished_at_once() -> None:
    plan = a_plan()
    plan.stop()
    assert plan.steps(0.0) == []
    assert plan.finished


def test_a_stop_while_starting_stops_what_has_begun() -> None:
    plan = a_plan()
    plan.steps(0.0)
    plan.stop()
    assert plan.steps(0.1) == [Stop("engine")]
    plan.ready("engine", 0.2)
    assert plan.phase("engine") is Phase.STOPPING
    plan.ended("engine", 0.3, "")
    assert plan.finished
