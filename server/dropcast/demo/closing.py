"""The last panel: what the show came to, and whether the books agree."""

from collections.abc import Mapping

from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from dropcast.demo.verdict import Summary
from dropcast.domain.catalogue import money


def render_summary(summary: Summary) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in _rows(summary):
        table.add_row(name, value)
    title = Text("the show was interrupted" if summary.interrupted else "the show is over", "bold")
    style = "green" if summary.passed else "red"
    body = Group(table, Text(), _audit(summary))
    return Panel(body, box=ROUNDED, title=title, title_align="left", border_style=style, padding=(0, 1))


def _rows(summary: Summary) -> list[tuple[str, str]]:
    return [
        ("viewers", f"{summary.viewers:,}, {_returns(summary.reconnects)}"),
        ("drops", f"{summary.drops:,} in {summary.seconds:g} s"),
        ("sold", f"{summary.sold:,} units in {summary.orders:,} orders for {_revenue(summary)}"),
        ("holds", f"{summary.held:,} granted, {summary.released:,} given back, {summary.expired:,} expired"),
        ("refused", f"{summary.refused:,}{_reasons(summary.refused_by_reason)}"),
        ("not paid", f"{sum(summary.unpaid_by_reason.values()):,}{_reasons(summary.unpaid_by_reason)}"),
        ("delivered", f"{summary.delivered:,} messages, {summary.gaps:,} gaps"),
        ("fan-out", f"p50 {summary.fanout_p50_ms:g} ms, p99 {summary.fanout_p99_ms:g} ms"),
        ("oversold", f"{summary.oversold:,} units"),
    ]


def _returns(count: int) -> str:
    if not count:
        return "no line broke"
    return f"came back {'once' if count == 1 else f'{count:,} times'} after a broken line"


def _revenue(summary: Summary) -> str:
    return money(summary.orders_minor, summary.currency)


def _reasons(counts: Mapping[str, int]) -> str:
    reasons = ", ".join(
        f"{count:,} {reason.replace('_', ' ')}"
        for reason, count in sorted(counts.items(), key=lambda item: item[1], reverse=True)
    )
    return f" ({reasons})" if reasons else ""


def _audit(summary: Summary) -> Text:
    if summary.passed:
        return Text.assemble(
            ("audit ok", "bold green"), ": every unit is accounted for, and none was sold twice"
        )
    return Text.assemble(("audit failed", "bold red"), f": {summary.audit}")
