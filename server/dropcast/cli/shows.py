"""`dropcast shows`: all shows, and where their units stand."""

import asyncio
from datetime import UTC, datetime

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dropcast.cli.options import ENGINE_OPTIONS, settings_command
from dropcast.domain.events import Snapshot
from dropcast.domain.ports import ShowStore
from dropcast.domain.show import Show
from dropcast.settings import Settings
from dropcast.supervisor import open_engine

_PAGE = 200


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
        Console().print(_table(lines))


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


def _table(lines: list[ShowLine]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("show", "title", "creator", "status", "since (UTC)"):
        table.add_column(title, overflow="fold")
    for title in ("drops", "free", "held", "sold", "orders"):
        table.add_column(title, justify="right")
    for line in lines:
        show = line.show
        counts = (line.drops, line.free, line.held, line.sold, line.orders)
        # Text, not markup: a title may contain brackets.
        words = (show.id, show.title, show.creator, show.status.value, _since(show))
        table.add_row(*map(Text, words), *(f"{count:,}" for count in counts))
    return table


def _since(show: Show) -> str:
    """Return when the show came to its status; for a scheduled one, when it is to start."""
    at_ms = show.ended_at_ms or show.started_at_ms or show.starts_at_ms
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M") if at_ms else ""
