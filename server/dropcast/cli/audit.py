"""`dropcast audit`: recounts every unit of every show from its journal and proves that the books are right.

Beside that it notes on stderr what is no mistake in the books but waits for an operator: payments that may stand
without a sale, and frozen sales. Notes do not change the verdict.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

import click
import msgspec

from dropcast.cli.options import ENGINE_OPTIONS, settings_command
from dropcast.cli.shows import IN_WORDS, all_shows
from dropcast.domain import books
from dropcast.domain.events import Event, JournalEntry, Snapshot
from dropcast.domain.hold import Order, UnsettledPayment
from dropcast.domain.ports import ShowStore
from dropcast.domain.show import Frozen, ShowStatus
from dropcast.operator_commands import operator_command
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
    currency: str
    frozen: Frozen
    """Why the sales of the show are stopped; empty when they are not."""
    unsettled: Sequence[UnsettledPayment]
    """Payments that may stand though nothing was sold for them. One that is being undone is among them for a moment."""


@settings_command("audit", ENGINE_OPTIONS)
@click.option("--show", "show_id", metavar="ID", help="Audit this show only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
def audit(settings: Settings, show_id: str | None, as_json: bool) -> None:
    """Recount the books of all shows, and print "ok" or each problem.

    For every SKU of every drop, free + held + sold must be what was allocated, and the journal, the holds and the
    orders must tell the same. A running server need not be stopped. The exit status is 1 when there are problems.

    Notes on stderr name payments that may stand without a sale, to be looked up at the payment provider, and shows
    whose sales are frozen. They are no problems of the books.
    """
    findings = asyncio.run(_audit(settings, show_id))
    problems = [f"show {found.show}: {problem}" for found in findings for problem in found.problems]
    if as_json:
        verdict = "ok" if not problems else f"{len(problems)} problems"
        click.echo(msgspec.json.encode({"audit": verdict, "shows": findings}))
    else:
        click.echo("\n".join(problems) if problems else "ok")
        for found in findings:
            for note in _notes(found, settings):
                click.echo(f"Note: show {found.show}: {note}", err=True)
    if problems:
        sys.exit(1)


def _notes(found: Finding, settings: Settings) -> Iterator[str]:
    if found.frozen:
        thaw = operator_command(settings, "thaw", found.show)
        yield f"sales are frozen ({IN_WORDS[found.frozen]}); they go on by: {thaw}"
    for payment in found.unsettled:
        amount = f"{payment.amount_minor} minor units of {found.currency}"
        yield (
            f"a payment may stand without a sale: hold {payment.hold} of viewer {payment.viewer}, {amount}; "
            f"the payment provider knows it as {payment.key}"
        )


async def _audit(settings: Settings, show_id: str | None) -> list[Finding]:
    async with open_engine(settings) as engine:
        names = [show_id] if show_id else [show.id for show in await all_shows(engine.shows)]
        return [await audit_show(engine.shows, name) for name in names]


async def audit_show(store: ShowStore, show: str) -> Finding:
    """Audit one show, also while it is live. Raises NotFound or an EngineFault."""
    snapshot, orders, tops = await _cut(store, show)
    journal: list[JournalEntry] = await _up_to(tops.offset, store.journal, show, lambda entry: entry.offset)
    events: list[Event] = await _up_to(tops.seq, store.events, show, lambda event: event.seq)
    return Finding(
        show=show,
        totals=books.totals(snapshot, orders),
        orders=len(orders),
        problems=books.audit(snapshot, journal, orders, events),
        currency=snapshot.show.currency,
        frozen=snapshot.show.frozen if snapshot.show.status is not ShowStatus.ENDED else Frozen.NO,
        unsettled=await store.unsettled(show, tops.at_ms),
    )


async def _cut(store: ShowStore, show: str) -> tuple[Snapshot, Sequence[Order], Snapshot]:
    """Return a snapshot, orders that were read after it, and a second snapshot for where the logs stood after that.

    What happened in between is in the journal, above the offset of the first and not above that of the second: so
    every order has its sale there, and nobody runs after a journal that grows.
    """
    while True:
        snapshot, orders, tops = await store.read(show), await store.orders(show), await store.read(show)
        # Otherwise history was lost in between: the two tell of different ones.
        if snapshot.epoch == tops.epoch:
            return snapshot, orders, tops


async def _up_to(
    top: int,
    read: Callable[[str, int, int], Awaitable[Sequence[Entry]]],
    show: str,
    number: Callable[[Entry], int],
) -> list[Entry]:
    """Read a log page by page, to the number `top` or to its end."""
    found: list[Entry] = []
    last = 0
    while last < top and (page := await read(show, last, min(_PAGE, top - last))):
        found += page
        last = number(page[-1])
    return found
