"""The last panel of a rehearsal: what the evening came to, and whether it may come."""

from collections.abc import Mapping

from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from dropcast.domain.catalogue import money
from dropcast.rehearsal.verdict import Times, Verdict

_FAILURES_SHOWN = 8


def render_verdict(verdict: Verdict) -> RenderableType:
    times = Table(box=None, padding=(0, 2), pad_edge=False, header_style="dim")
    times.add_column("milliseconds", style="dim", no_wrap=True)
    for name in ("count", "p50", "p95", "p99"):
        times.add_column(name, justify="right", no_wrap=True)
    for name, measured in _measured(verdict):
        if measured.count:
            times.add_row(name, f"{measured.count:,}", *(f"{value:,.0f}" for value in _percentiles(measured)))
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column()
    for name, value in _facts(verdict):
        facts.add_row(name, value)
    title = "the evening was interrupted" if verdict.interrupted else f"the {verdict.evening} evening is over"
    return Panel(
        Group(facts, Text(), times, Text(), _ending(verdict)),
        box=ROUNDED,
        title=Text(title, "bold"),
        title_align="left",
        border_style="green" if verdict.passed else "red",
        padding=(0, 1),
        expand=False,
    )


def _facts(verdict: Verdict) -> list[tuple[str, str]]:
    facts = [
        ("users", f"{verdict.users:,} at most, {verdict.scalpers:,} of them scalpers; {verdict.seconds:g} s"),
        ("creator", f"{verdict.steps:,} steps of the run of show"),
        ("taps", f"{verdict.taps:,}: {verdict.held:,} held{_reasons(verdict.refused_by_reason)}"),
        ("sold out", f"{verdict.sold_out_share:.0%} of the taps"),
        (
            "scalpers",
            f"{verdict.scalper_taps:,} taps: {verdict.scalper_held:,} held"
            f"{_reasons(verdict.scalper_refused_by_reason)}",
        ),
        (
            "sold",
            f"{verdict.units:,} units in {verdict.orders:,} orders "
            f"for {money(verdict.amount_minor, verdict.currency)}{_reasons(verdict.unpaid_by_reason)}",
        ),
        ("delivered", f"{verdict.delivered:,} messages, {verdict.faults.get('gap', 0):,} gaps"),
        ("oversold", f"{verdict.oversold:,} units"),
    ]
    return facts


def _measured(verdict: Verdict) -> list[tuple[str, Times]]:
    return [
        ("join", verdict.join),
        ("come back", verdict.came_back),
        ("fan-out", verdict.fan_out),
        ("hold", verdict.hold),
        ("pay", verdict.pay),
    ]


def _percentiles(measured: Times) -> tuple[float, float, float]:
    return measured.p50_ms, measured.p95_ms, measured.p99_ms


def _reasons(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: item[1], reverse=True)
    return "".join(f", {count:,} {reason}" for reason, count in ordered)


def _ending(verdict: Verdict) -> RenderableType:
    if verdict.passed and verdict.audit == "ok":
        return Text.assemble(("audit ok", "bold green"), ": every unit is accounted for, none was sold twice")
    if verdict.passed:
        return Text.assemble(("no audit", "bold yellow"), ": nobody knows whether the books are right")
    shown = verdict.failures[:_FAILURES_SHOWN]
    more = len(verdict.failures) - len(shown)
    lines = [Text.assemble(("failed", "bold red"), f": {failure}") for failure in shown]
    return Group(*lines, *([Text(f"and {more} more such things")] if more else []))
