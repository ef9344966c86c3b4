"""What a person sees of a bench: a table of medians and spreads, and a line for each claim."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dropcast_bench.results import Judged


def render(console: Console, told: dict[str, Any], about: str) -> None:
    """Print the report of one bench: a row a figure, a column a contender."""
    results, spread = told["results"], told["spread"]
    table = Table(
        title=f"{told['bench']}: {about}", caption=f"medians of {told['rounds']} rounds, min to max below"
    )
    table.add_column("figure")
    for contender in results:
        table.add_column(contender, justify="right")
    for name in dict.fromkeys(name for figures in results.values() for name in figures):
        cells = [
            _cell(figures.get(name), spread[contender].get(name)) for contender, figures in results.items()
        ]
        table.add_row(name, *cells)
    console.print(table)
    for name, why in told["left_out"].items():
        console.print(
            f"left out: {name}: {why.splitlines()[-1] if why else 'it does not run here'}", style="yellow"
        )
    for note in told["notes"]:
        console.print(f"note: {note}", style="yellow")
    for claim in told["claims"]:
        console.print(line_of(claim))


def line_of(claim: Judged) -> Text:
    """Return one claim in a line."""
    value = "-" if claim.value is None else f"{claim.value:g}"
    verdict, style = ("holds", "green") if claim.holds else ("DOES NOT HOLD", "red")
    return Text.assemble(f"  {claim.claim}: {value}, {claim.bound}: ", (verdict, style))


def _cell(value: float | None, spread: list[float] | None) -> str:
    if value is None or spread is None:
        return ""
    return f"{value:,g}\n[dim]{spread[0]:,g} - {spread[1]:,g}[/dim]"
