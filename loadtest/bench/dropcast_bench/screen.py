"""What a person sees of a bench: a table of medians and spreads, and a line for each claim."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dropcast_bench.results import Judged

_FIGURE_WIDTH = 28
_CELL_WIDTH = 20


def render(console: Console, told: dict[str, Any], about: str) -> None:
    """Print the report of one bench: a row a figure, a column a contender, as many tables as the width asks for."""
    contenders = list(told["results"])
    at_once = max(1, (console.width - _FIGURE_WIDTH) // _CELL_WIDTH)
    console.print(f"{told['bench']}: {about}", style="bold")
    for start in range(0, len(contenders), at_once):
        console.print(_table(told, contenders[start : start + at_once]))
    console.print(f"medians of {told['rounds']} rounds, least - most", style="dim")
    for name, why in told["left_out"].items():
        console.print(
            f"left out: {name}: {why.splitlines()[-1] if why else 'it does not run here'}", style="yellow"
        )
    for note in told["notes"]:
        console.print(f"note: {note}", style="yellow")
    for claim in told["claims"]:
        console.print(line_of(claim))


def _table(told: dict[str, Any], contenders: Sequence[str]) -> Table:
    results, spread = told["results"], told["spread"]
    table = Table("figure")
    for contender in contenders:
        table.add_column(contender, justify="right", no_wrap=True)
    for name in dict.fromkeys(name for contender in contenders for name in results[contender]):
        table.add_row(name, *(_cell(results[one].get(name), spread[one].get(name)) for one in contenders))
    return table


def line_of(claim: Judged) -> Text:
    """Return one claim in a line."""
    value = "-" if claim.value is None else f"{claim.value:g}"
    verdict, style = ("holds", "green") if claim.holds else ("DOES NOT HOLD", "red")
    return Text.assemble(f"  {claim.claim}: {value}, {claim.bound}: ", (verdict, style))


def _cell(value: float | None, spread: list[float] | None) -> str:
    if value is None or spread is None:
        return ""
    return f"{value:,g}\n[dim]{spread[0]:,g} - {spread[1]:,g}[/dim]"
