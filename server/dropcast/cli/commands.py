"""The group of all commands, and the one place where a fault becomes a line on stderr and an exit status.

0: done. 1: it failed, or the audit found something. 2: the command or a setting is not understood.
"""

from importlib import import_module
from typing import Any

import click

from dropcast import __version__
from dropcast.domain.faults import Fault
from dropcast.log_writer import fill_standard_descriptors
from dropcast.settings import SettingsError

COMMANDS = {
    "serve": "dropcast.cli.serve:serve",
    "demo": "dropcast.cli.demo:demo",
    "loadtest": "dropcast.cli.loadtest:loadtest",
    "bench": "dropcast.cli.bench:bench",
    "token": "dropcast.cli.token:token",
    "import": "dropcast.cli.import_:import_",
    "shows": "dropcast.cli.shows:shows",
    "audit": "dropcast.cli.audit:audit",
    "freeze": "dropcast.cli.thaw:freeze",
    "thaw": "dropcast.cli.thaw:thaw",
    "health": "dropcast.cli.health:health",
}
"""The commands in the order of use, with module and name. A module is loaded when its command is asked for, so that
`dropcast health`, which runs every few seconds, does not load the whole server."""


class Failed(click.ClickException):
    exit_code = 1


class NotUnderstood(click.ClickException):
    exit_code = 2


class Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise NotUnderstood(str(error)) from error
        except (Fault, OSError) as error:
            raise Failed(str(error)) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module, _, name = COMMANDS.get(cmd_name, "").partition(":")
        command: click.Command | None = getattr(import_module(module), name) if module else None
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="dropcast")
def main() -> None:
    """dropcast: a live shopping engine.

    A creator on air pins a product, every viewer's app shows the card at once, and the crowd buys from a stock that
    is never oversold.
    """
    fill_standard_descriptors()
