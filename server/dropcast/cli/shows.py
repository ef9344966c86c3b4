"""`dropcast shows`: all shows, and where their units stand."""

import asyncio
import sys
from datetime import UTC, datetime

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dropcast.cli.options import ENGINE_OPTIONS, settings_command
from dropcast.domain.events import Snapshot
from dropcast.domain.ports import ShowStore
from dropcast.domain.show import Frozen, Show, ShowStatus
from dropcast.operator_commands import operator_command
from dropcast.settings import Settings
from dropcast.supervisor import open_engine

_PAGE = 200
_WIDE_FROM = 110
"""Columns of a console on which all words stand side by side."""
_WIDE = 1_000

IN_WORDS = {Frozen.OPERATOR: "by an operator", Frozen.LOST_HISTORY: "history was lost"}
"""Why sales are stopped."""


class ShowLine(msgspec.Struct, frozen=True, kw_only=True):
    """A show as this command prints it; with --json in these fields, and those of domain Show under `show`."""

    show: Show
    drops: int
    free: int
    held: int
    sold: int
    orders: int


@settings_command("shows", ENGINE_OPTIONS)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of a table.")
def shows(settings: Settings, as_json: bool) -> None:
    """List all shows with their drops, units and orders.

    A running server need not be stopped.
    """
    lines = asyncio.run(_read(settings))
    if as_json:
        click.echo(msgspec.json.encode(lines))
    elif not lines:
        click.echo("There are no shows yet.")
    else:
        # In a file or a pipe a show is one line, however long.
        console = Console(width=None if sys.stdout.isatty() else _WIDE)
        console.print(_table(lines, console.width))
        for line in lines:
            if _frozen(line.show):
                thaw = operator_command(settings, "thaw", line.show.id)
                reason = IN_WORDS[line.show.frozen]
                click.echo(f"Sales of {line.show.id} are frozen ({reason}); they go on by: {thaw}", err=True)


async def _read(settings: Settings) -> list[ShowLine]:
    async with open_engine(settings) as engine:
        return [await _line(engine.shows, show) for show in await all_shows(engine.shows)]


async def all_shows(store: ShowStore) -> list[Show]:
    """Return every show, in the order of their ids."""
    found: list[Show] = []
    while page := await store.shows(found[-1].id if found else "", _PAGE):
        found += page
    return found


async def _line(store: ShowStore, show: Show) -> ShowLine:
    snapshot: Snapshot = await store.read(show.id)
    orders = await store.orders(show.id)
    return ShowLine(
        show=snapshot.show,
        drops=len(snapshot.drops),
        free=sum(units.free for units in snapshot.units),
        held=sum(units.held for units in snapshot.units),
        sold=sum(units.sold for units in snapshot.units),
        orders=len(orders),
    )


def _table(lines: list[ShowLine], width: int) -> Table:
    """Return a table for a console of `width` columns; on a narrow one, words that belong together share a column."""
    is_wide = width >= _WIDE_FROM
    are_frozen = any(_frozen(line.show) for line in lines)
    words = ["show", "title", "creator", "status", *(["frozen"] if are_frozen else [])]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in words if is_wide else ("show", "status"):
        table.add_column(title, overflow="fold", min_width=len(title))
    table.add_column("since (UTC)", min_width=len("2026-01-31"))
    for title in ("drops", "free", "held", "sold", "orders"):
        table.add_column(title, justify="right", no_wrap=True)
    for line in lines:
        show = line.show
        # Text, not markup: a title may contain brackets.
        names = [Text(show.id), Text(show.title), Text(show.creator)]
        status, frozen = Text(show.status.value), Text(_frozen(show), style="bold red")
        if is_wide:
            cells = [*names, status, *([frozen] if are_frozen else [])]
        else:
            cells = [Text("\n").join(names), Text("\n").join([status, frozen]) if frozen else status]
        counts = (line.drops, line.free, line.held, line.sold, line.orders)
        table.add_row(*cells, _since(show), *(f"{count:,}" for count in counts))
    return table


def _frozen(show: Show) -> str:
    """Return why the sales of a show that is not over are frozen, in a word or two; empty when they are not."""
    return "" if show.status is ShowStatus.ENDED else show.frozen.value.replace("_", " ")


def _since(show: Show) -> str:
    """Return when the show came to its status; for a scheduled one, when it is to start."""
    at_ms = show.ended_at_ms or show.started_at_ms or show.starts_at_ms
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M") if at_ms else ""
