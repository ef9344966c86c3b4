"""`dropcast audit`: recounts every unit of every show from its journal and proves that the books are right."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import click
import msgspec

from dropcast.cli.options import ENGINE_OPTIONS, settings_command
from dropcast.cli.shows import all_shows
from dropcast.domain import books
from dropcast.domain.events import Event, JournalEntry
from dropcast.domain.ports import ShowStore
from dropcast.settings import Settings
from dropcast.supervisor import open_engine

_PAGE = 1_000

Entry = TypeVar("Entry")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The audit of one show; with --json in these fields."""

    show: str
    totals: books.Totals
    orders: int
    problems: list[str]


@settings_command("audit", ENGINE_OPTIONS)
@click.option("--show", "show_id", metavar="ID", help="Audit this show only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
def audit(settings: Settings, show_id: str | None, as_json: bool) -> None:
    """Recount the books of all shows, and print "ok" or each problem.

    For every SKU of every drop, free + held + sold must be what was allocated, and the journal, the holds and the
    orders must tell the same. A running server need not be stopped. The exit status is 1 when there are problems.
    """
    findings = asyncio.run(_audit(settings, show_id))
    problems = [f"show {found.show}: {problem}" for found in findings for problem in found.problems]
    if as_json:
        verdict = "ok" if not problems else f"{len(problems)} problems"
        click.echo(msgspec.json.encode({"audit": verdict, "shows": findings}))
    else:
        click.echo("\n".join(problems) if problems else "ok")
    if problems:
        sys.exit(1)


async def _audit(settings: Settings, show_id: str | None) -> list[Finding]:
    async with open_engine(settings) as engine:
        names = [show_id] if show_id else [show.id for show in await all_shows(engine.shows)]
        return [await audit_show(engine.shows, name) for name in names]


async def audit_show(store: ShowStore, show: str) -> Finding:
    """Audit one show, also while it is live. Raises NotFound or an EngineFault."""
    # In this order: what happens in between is then in the journal, after the snapshot's offset.
    snapshot = await store.read(show)
    orders = await store.orders(show)
    journal: list[JournalEntry] = await _whole(store.journal, show, lambda entry: entry.offset)
    events: list[Event] = await _whole(store.events, show, lambda event: event.seq)
    return Finding(
        show=show,
        totals=books.totals(snapshot, orders),
        orders=len(orders),
        problems=books.audit(snapshot, journal, orders, events),
    )


async def _whole(
    read: Callable[[str, int, int], Awaitable[Sequence[Entry]]], show: str, number: Callable[[Entry], int]
) -> list[Entry]:
    """Read a log page by page."""
    found: list[Entry] = []
    while page := await read(show, number(found[-1]) if found else 0, _PAGE):
        found += page
    return found
