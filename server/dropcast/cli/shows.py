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
from dropcast.domain.show import Frozen, Show, ShowStatus
from dropcast.settings import Settings
from dropcast.supervisor import open_engine

_PAGE = 200

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
        table.add_column(title, justify="right", no_wrap=True)
    are_frozen = any(_frozen(line.show) for line in lines)
    if are_frozen:
        table.add_column("sales", overflow="fold")
    for line in lines:
        show = line.show
        counts = (line.drops, line.free, line.held, line.sold, line.orders)
        # Text, not markup: a title may contain brackets.
        words = (show.id, show.title, show.creator, show.status.value, _since(show))
        frozen = [Text(_frozen(show), style="bold red")] if are_frozen else []
        table.add_row(*map(Text, words), *(f"{count:,}" for count in counts), *frozen)
    return table


def _frozen(show: Show) -> str:
    """Return why the sales of a show that is not over are frozen, in words; empty when they are not."""
    if show.frozen is Frozen.NO or show.status is ShowStatus.ENDED:
        return ""
    return f"frozen: {IN_WORDS[show.frozen]}"


def _since(show: Show) -> str:
    """Return when the show came to its status; for a scheduled one, when it is to start."""
    at_ms = show.ended_at_ms or show.started_at_ms or show.starts_at_ms
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M") if at_ms else ""
