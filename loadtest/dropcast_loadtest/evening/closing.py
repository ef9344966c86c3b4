"""What an evening came to, made of Locust's statistics, the ledger and the audit. Pure.

The struct is the verdict file, and what `dropcast loadtest` prints.
"""

from collections.abc import Mapping

import msgspec

from dropcast_loadtest.evening.entries import (
    CAME_BACK,
    FAN_OUT,
    FAULT,
    PAY,
    RESERVE,
    SCALPER,
    SENT_AWAY,
    VIEWER,
    Entry,
    count_answers,
    count_steps,
    joined,
    refusals,
)
from dropcast_loadtest.evening.plan import Plan
from dropcast_loadtest.evening.verdict import Evidence, count_oversold, find_failures

_HELD = Entry(VIEWER, f"{RESERVE} held")


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds, as Locust rounds them."""

    count: int = 0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on an evening; the last line of `dropcast loadtest --json`."""

    evening: str
    show: str
    seconds: float
    users: int
    """The most at one time."""
    scalpers: int
    steps: int
    """Steps of the run of show that were carried out."""
    join: Times
    came_back: Times
    """From a broken line to the last missed event."""
    fan_out: Times
    """From a numbered event's `at_ms` to its receipt."""
    hold: Times
    """From a viewer's reserve to `held`."""
    pay: Times
    """From checkout to `sold`."""
    delivered: int
    taps: int
    """Answers to reserves of viewers."""
    held: int
    refused_by_reason: dict[str, int]
    sold_out_share: float
    """Of the viewers' taps."""
    scalper_taps: int
    scalper_held: int
    scalper_refused_by_reason: dict[str, int]
    sent_away: int
    """Scalpers' sockets that the server closed for flooding."""
    unpaid_by_reason: dict[str, int]
    orders: int
    units: int
    amount_minor: int
    currency: str
    oversold: int
    faults: dict[str, int]
    """What must never happen, by name."""
    interrupted: bool
    audit: str
    """"ok", "skipped", or what is wrong."""
    failures: list[str]
    """Everything that fails the run, the audit's problems too."""

    @property
    def passed(self) -> bool:
        return not self.failures


def sum_up(
    plan: Plan,
    evidence: Evidence,
    figures: Mapping[Entry, Times],
    *,
    show: str,
    users: int,
    seconds: float,
    currency: str,
) -> Summary:
    """`users` is the most there were at one time, `seconds` how long it lasted."""
    requests, promised = evidence.requests, evidence.promised
    taps = count_answers(requests, VIEWER, RESERVE)
    refused = refusals(requests, VIEWER, RESERVE)
    return Summary(
        evening=plan.evening,
        show=show,
        seconds=round(seconds, 1),
        users=users,
        scalpers=plan.scalpers,
        steps=count_steps(requests),
        join=_times(figures, joined(VIEWER)),
        came_back=_times(figures, CAME_BACK),
        fan_out=_times(figures, FAN_OUT),
        hold=_times(figures, _HELD),
        pay=_times(figures, Entry(VIEWER, f"{PAY} sold")),
        delivered=promised.get("delivered", 0),
        taps=taps,
        held=requests.get(_HELD, 0),
        refused_by_reason=refused,
        sold_out_share=round(refused.get("sold out", 0) / taps, 3) if taps else 0.0,
        scalper_taps=count_answers(requests, SCALPER, RESERVE),
        scalper_held=requests.get(Entry(SCALPER, _HELD.name), 0),
        scalper_refused_by_reason=refusals(requests, SCALPER, RESERVE),
        sent_away=requests.get(SENT_AWAY, 0),
        unpaid_by_reason=refusals(requests, VIEWER, PAY),
        orders=promised.get("orders", 0),
        units=promised.get("units", 0),
        amount_minor=promised.get("minor", 0),
        currency=currency,
        oversold=count_oversold(evidence),
        faults={entry.name: count for entry, count in sorted(requests.items()) if entry.type == FAULT},
        interrupted=evidence.interrupted,
        audit=_audit(evidence),
        failures=find_failures(evidence),
    )


def _audit(evidence: Evidence) -> str:
    if evidence.audit_fault:
        return f"not held: {evidence.audit_fault}"
    if evidence.finding is None:
        return "skipped"
    return "; ".join(evidence.finding.problems) or "ok"


def _times(figures: Mapping[Entry, Times], entry: Entry) -> Times:
    return figures.get(entry, Times())
