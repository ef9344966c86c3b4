"""The group of all commands, and the one place where a fault becomes a line on stderr and an exit status.

0: done. 1: it failed, or the audit found something. 2: the command or a setting is not understood.
"""

from typing import Any

import click

from dropcast import __version__
from dropcast.cli.audit import audit
from dropcast.cli.bench import bench
from dropcast.cli.demo import demo
from dropcast.cli.import_ import import_
from dropcast.cli.loadtest import loadtest
from dropcast.cli.serve import serve
from dropcast.cli.shows import shows
from dropcast.cli.token import token
from dropcast.domain.faults import Fault
from dropcast.log_writer import fill_standard_descriptors
from dropcast.settings import SettingsError


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
        """In the order of use rather than of the alphabet."""
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="dropcast")
def main() -> None:
    """dropcast: a live shopping engine.

    A creator on air pins a product, every viewer's app shows the card at once, and the crowd buys from a stock that
    is never oversold.
    """
    fill_standard_descriptors()


for command in (serve, demo, loadtest, bench, token, import_, shows, audit):
    main.add_command(command)
