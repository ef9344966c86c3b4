"""The verdict on an evening: was anything oversold, lost or missed? Pure: what was counted in, failures out.

The engine's books must be right in themselves, which `dropcast audit` says. No more may be sold than the creator
gave. And what buyers were promised must be what the books have, but for payments that nobody knows the end of.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from dropcast_loadtest.evening.entries import FAULT, Entry, count_steps


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Units of the whole show, by the audit."""

    allocated: int
    free: int
    held: int
    sold: int
    oversold: int


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What the audit says of one show."""

    show: str
    totals: Totals
    orders: int
    problems: list[str]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    requests: Mapping[Entry, int]
    """How often each entry was counted."""
    promised: Mapping[str, int]
    """What ledger.py counts."""
    given_units: int
    """What the creator gives in the whole plan."""
    steps: int
    """Steps in the run of show."""
    finding: Finding | None
    """None: there was to be no audit."""
    audit_fault: str = ""
    """Why the audit could not be held."""
    exceptions: Sequence[str] = ()
    """What users of Locust's raised that nobody expected."""
    interrupted: bool = False


def find_failures(evidence: Evidence) -> list[str]:
    """Return every way in which the evening was not what it should have been, each in a few words."""
    raised = (f"raised: {told}" for told in evidence.exceptions)
    return [*_faults(evidence.requests), *raised, *_run_of_show(evidence), *_books(evidence)]


def count_oversold(evidence: Evidence) -> int:
    """Return the units sold, held or promised beyond those that there were."""
    promised = evidence.promised.get("units", 0)
    if evidence.finding is None:
        return max(0, promised - evidence.given_units)
    totals = evidence.finding.totals
    taken = max(totals.sold, promised) + totals.held
    return max(totals.oversold, taken - evidence.given_units, 0)


def _faults(requests: Mapping[Entry, int]) -> Iterable[str]:
    for entry, count in sorted(requests.items()):
        if entry.type == FAULT and count:
            yield f"{count} x {entry.name}"


def _run_of_show(evidence: Evidence) -> Iterable[str]:
    said = count_steps(evidence.requests)
    if said < evidence.steps and not evidence.interrupted:
        yield f"the creator carried out {said} of {evidence.steps} steps"


def _books(evidence: Evidence) -> Iterable[str]:
    oversold = count_oversold(evidence)
    if oversold:
        yield f"{oversold} units oversold"
    if evidence.audit_fault:
        yield f"no audit: {evidence.audit_fault}"
    if evidence.finding is None:
        return
    yield from evidence.finding.problems
    orders, promised = evidence.finding.orders, evidence.promised.get("orders", 0)
    if promised > orders:
        yield f"{promised - orders} orders were confirmed to buyers that the engine does not have"
    untold = orders - promised - evidence.promised.get("unknown_payments", 0)
    if untold > 0:
        yield f"{untold} orders that no buyer was told of"
