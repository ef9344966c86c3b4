"""What Locust's process writes is what the command reads, and the panel tells it."""

import click
import msgspec
import pytest
from rich.console import Console

from dropcast.cli.loadtest import loadtest
from dropcast.rehearsal import locust
from dropcast.rehearsal.closing import render_verdict
from dropcast.rehearsal.locust import MissingLoadtest, require_loadtest
from dropcast.rehearsal.verdict import Times, Verdict
from dropcast_loadtest.evening import closing
from dropcast_loadtest.evening.plan import EVENINGS

TIMES = Times(count=1_200, p50_ms=3.0, p95_ms=9.0, p99_ms=20.0)
NOTHING = Times(count=0, p50_ms=0.0, p95_ms=0.0, p99_ms=0.0)
VERDICT = Verdict(
    evening="small",
    show="rehearsal-1",
    seconds=45.0,
    users=200,
    scalpers=4,
    steps=15,
    join=TIMES,
    came_back=NOTHING,
    fan_out=TIMES,
    hold=TIMES,
    pay=TIMES,
    delivered=30_000,
    taps=800,
    held=120,
    refused_by_reason={"limit": 10, "sold out": 670},
    sold_out_share=0.8375,
    scalper_taps=200,
    scalper_held=48,
    scalper_refused_by_reason={},
    sent_away=0,
    unpaid_by_reason={"declined": 15},
    orders=127,
    units=129,
    amount_minor=616_000,
    currency="EUR",
    oversold=0,
    faults={},
    interrupted=False,
    audit="ok",
    failures=[],
)


def told(verdict: Verdict) -> str:
    console = Console(width=100, force_terminal=False)
    with console.capture() as captured:
        console.print(render_verdict(verdict))
    return captured.get()


def test_both_sides_have_the_same_fields() -> None:
    for ours, theirs in ((Verdict, closing.Summary), (Times, closing.Times)):
        assert ours.__struct_fields__ == theirs.__struct_fields__


def test_the_command_offers_the_evenings_that_there_are() -> None:
    offered = next(option.type for option in loadtest.params if option.name == "evening")
    assert isinstance(offered, click.Choice)
    assert list(offered.choices) == list(EVENINGS)


def test_a_good_evening_is_told_in_figures_and_its_audit() -> None:
    text = told(VERDICT)
    assert "200 at most, 4 of them scalpers" in text
    assert "800: 120 held, 670 sold out, 10 limit" in text
    assert "84% of the taps" in text
    assert "6160.00 EUR, 15 declined" in text
    assert "come back" not in text, "what was never measured has no line"
    assert "audit ok" in text


def test_a_bad_evening_is_told_by_its_failures() -> None:
    failures = [f"failure {number}" for number in range(12)]
    text = told(msgspec.structs.replace(VERDICT, failures=failures, audit="1 problem"))
    assert "failed: failure 0" in text
    assert "and 4 more such things" in text
    assert "audit ok" not in text


def test_an_evening_without_an_audit_does_not_claim_one() -> None:
    assert "no audit" in told(msgspec.structs.replace(VERDICT, audit="skipped"))


def test_a_missing_package_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    require_loadtest()
    monkeypatch.setattr(locust, "PACKAGES", ("no_such_package",))
    with pytest.raises(MissingLoadtest, match=r'pip install "dropcast-loadtest\[locust\]"'):
        require_loadtest()
