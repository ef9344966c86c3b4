"""A budget of bytes may be overdrawn once, and is paid off before anything else is allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropcast.service.budget import ByteBudget


def test_what_is_overdrawn_is_paid_off_first() -> None:
    budget = ByteBudget(100, 2, 0.0)
    assert budget.allows(0.0)
    budget.spend(500)
    assert not budget.allows(1.0)
    assert budget.wait_s(1.0) == pytest.approx(2.0, abs=0.01)
    assert not budget.allows(2.9)
    assert budget.allows(3.1)


def test_what_is_not_spent_is_kept_up_to_the_burst() -> None:
    budget = ByteBudget(100, 2, 0.0)
    assert budget.allows(1_000.0)
    budget.spend(199)
    assert budget.allows(1_000.0)
    budget.spend(1)
    assert not budget.allows(1_000.0)


@given(st.lists(st.tuples(st.floats(0, 2), st.integers(0, 1_000)), max_size=60))
def test_over_any_time_no_more_is_spent_than_rate_burst_and_one_answer(
    steps: list[tuple[float, int]],
) -> None:
    budget, now_s, spent = ByteBudget(100, 2, 0.0), 0.0, 0
    for wait_s, amount in steps:
        now_s += wait_s
        if budget.allows(now_s):
            budget.spend(amount)
            spent += amount
    assert spent <= 100 * now_s + 200 + 1_000


def test_the_time_to_wait_is_enough() -> None:
    budget = ByteBudget(3, 1, 0.0)
    budget.spend(1_000)
    assert budget.allows(budget.wait_s(0.0))
