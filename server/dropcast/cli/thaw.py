"""`dropcast thaw` and `dropcast freeze`: let the sales of a show go on, or stop them."""

import asyncio
from collections.abc import Awaitable, Callable

import click

from dropcast.cli.options import ENGINE_OPTIONS, settings_command
from dropcast.cli.shows import IN_WORDS
from dropcast.domain.faults import Conflict, NotFound
from dropcast.domain.ports import Done, ShowStore
from dropcast.domain.show import Frozen
from dropcast.settings import Settings
from dropcast.supervisor import open_engine


@settings_command("thaw", ENGINE_OPTIONS)
@click.argument("show")
def thaw(settings: Settings, show: str) -> None:
    """Let the sales of SHOW go on that were frozen.

    Sales are frozen by an operator, or because the engine came back without proof that it has everything: then
    look at the orders first (dropcast audit). A running server need not be stopped.
    """
    before, done = asyncio.run(_change(settings, show, lambda store: store.thaw(show)))
    if done.again:
        click.echo(f"The sales of {show} were not frozen.")
    else:
        # The thaw itself may be the first to find that history was lost.
        reason = IN_WORDS[before or Frozen.LOST_HISTORY]
        click.echo(f"The sales of {show} go on; they were frozen ({reason}).")


@settings_command("freeze", ENGINE_OPTIONS)
@click.argument("show")
def freeze(settings: Settings, show: str) -> None:
    """Stop the sales of SHOW until somebody thaws them.

    Nothing more can be reserved; holds that are open may still be paid. A running server need not be stopped.
    """
    _, done = asyncio.run(_change(settings, show, lambda store: store.freeze(show)))
    if done.again:
        click.echo(f"The sales of {show} were frozen already.")
    else:
        click.echo(f"The sales of {show} are frozen.")


async def _change(
    settings: Settings, show: str, change: Callable[[ShowStore], Awaitable[Done]]
) -> tuple[Frozen, Done]:
    """Return why sales were stopped before, and what the engine did. Raises a Fault that names the show."""
    async with open_engine(settings) as engine:
        try:
            before = (await engine.shows.read(show)).show.frozen
            return before, await change(engine.shows)
        except NotFound as error:
            raise NotFound(f"there is no show {show!r}") from error
        except Conflict as error:
            raise Conflict(f"show {show!r}: {error.message}") from error
