"""A verdict holds what was promised against what the books say, and every failure has its words."""

from typing import Any

import pytest

from dropcast_loadtest.evening.closing import Times, sum_up
from dropcast_loadtest.evening.entries import FAN_OUT, Entry, hosted
from dropcast_loadtest.evening.plan import plan
from dropcast_loadtest.evening.verdict import Evidence, Finding, Totals, count_oversold, find_failures

REQUESTS = {hosted("start"): 1, hosted("pin"): 3, Entry("viewer", "reserve held"): 8}


def finding(*problems: str, sold: int = 6, held: int = 1, oversold: int = 0, orders: int = 5) -> Finding:
    totals = Totals(allocated=10, free=10 - sold - held, held=held, sold=sold, oversold=oversold)
    return Finding(show="rehearsal-1", totals=totals, orders=orders, problems=list(problems))


def evidence(**changes: Any) -> Evidence:
    """An evening in which all is well: ten units, six of them sold in five orders."""
    right: dict[str, Any] = {
        "requests": REQUESTS,
        "promised": {"orders": 5, "units": 6},
        "given_units": 10,
        "steps": 4,
        "finding": finding(),
    }
    return Evidence(**{**right, **changes})


def test_an_evening_in_which_all_is_well_has_no_failures() -> None:
    assert find_failures(evidence()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"requests": {**REQUESTS, Entry("fault", "gap"): 2}}, "2 x gap"),
        ({"requests": {hosted("start"): 1}}, "the creator carried out 1 of 4 steps"),
        ({"finding": finding("free + held + sold is not what was allocated")}, "is not what was allocated"),
        ({"finding": finding(sold=10, orders=5)}, "1 units oversold"),
        ({"finding": finding(oversold=2)}, "2 units oversold"),
        ({"promised": {"orders": 5, "units": 11}}, "2 units oversold"),
        ({"finding": None, "promised": {"units": 11}}, "1 units oversold"),
        ({"promised": {"orders": 6, "units": 6}}, "1 orders were confirmed to buyers that the engine"),
        ({"promised": {"orders": 3, "units": 6}}, "2 orders that no buyer was told of"),
        ({"finding": None, "audit_fault": "no engine there"}, "no audit: no engine there"),
        ({"exceptions": ["KeyError: 'drop-0'"]}, "raised: KeyError"),
    ],
)
def test_whatever_is_wrong_fails_the_evening(changes: dict[str, Any], words: str) -> None:
    failures = find_failures(evidence(**changes))
    assert len(failures) == 1
    assert words in failures[0]


def test_a_payment_that_nobody_knows_the_end_of_may_be_an_order_or_not() -> None:
    for orders in (4, 5, 6):
        promised = {"orders": 4, "units": 4, "unknown_payments": 2}
        assert find_failures(evidence(promised=promised, finding=finding(orders=orders))) == []


def test_an_evening_that_was_interrupted_may_be_shorter_than_its_plan() -> None:
    assert find_failures(evidence(requests={hosted("start"): 1}, interrupted=True)) == []


def test_without_an_audit_what_buyers_were_promised_still_counts() -> None:
    assert find_failures(evidence(finding=None)) == []
    assert count_oversold(evidence(finding=None, promised={"units": 12})) == 2


def test_a_summary_tells_rates_times_and_faults() -> None:
    requests = {
        Entry("viewer", "reserve held"): 25,
        Entry("viewer", "reserve refused: sold out"): 70,
        Entry("viewer", "reserve refused: limit"): 5,
        Entry("scalper", "reserve held"): 4,
        Entry("scalper", "reserve flood, sent away"): 1,
        Entry("fault", "gap"): 2,
        hosted("pin"): 4,
    }
    figures = {FAN_OUT: Times(count=900, p50_ms=3.0, p95_ms=9.0, p99_ms=20.0)}
    summary = sum_up(
        plan("small", users=20, seconds=5.0),
        evidence(requests=requests, promised={"orders": 5, "units": 6, "minor": 7_200, "delivered": 3_000}),
        figures,
        show="rehearsal-1",
        users=19,
        seconds=5.04,
        currency="EUR",
    )
    assert summary.sold_out_share == 0.7
    assert (summary.taps, summary.held, summary.scalper_taps, summary.sent_away) == (100, 25, 4, 1)
    assert summary.refused_by_reason == {"limit": 5, "sold out": 70}
    assert summary.fan_out.p99_ms == 20.0
    assert summary.join.count == 0
    assert summary.steps == 4
    assert (summary.orders, summary.units, summary.amount_minor) == (5, 6, 7_200)
    assert summary.faults == {"gap": 2}
    assert summary.audit == "ok"
    assert not summary.passed
