"""Command line options made from the settings: names, help, defaults and groups stand in settings.py alone."""

import os
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import click

from dropcast.operator_commands import ENGINE_SETTINGS
from dropcast.settings import NAMES, Settings, flag_of, groups, wanted
from dropcast.settings_help import HELP
from dropcast.settings_reading import read

ENGINE_OPTIONS = ENGINE_SETTINGS
TOKEN_OPTIONS = ("data_dir", "jwt_algorithm", "jwt_secret", "jwt_audience", "jwt_issuer")

_EPILOG = (
    "What stands under a title of its own is a setting: it may also be given as an environment variable, DROPCAST_ "
    "and its name in capitals (--data-dir is DROPCAST_DATA_DIR). A flag beats the variable."
)

_DEFAULTS = Settings()


class SettingOption(click.Option):
    """An option that stands for a setting, and knows under which title `--help` lists it."""

    def __init__(self, name: str, title: str) -> None:
        default = getattr(_DEFAULTS, name)
        flag = flag_of(name)
        is_flag = isinstance(default, bool)
        # The value stays text: settings_reading converts it, as it does for the environment, with one set of errors.
        super().__init__(
            [f"{flag}/--no-{flag.removeprefix('--')}" if is_flag else flag, name],
            default=None,
            type=bool if is_flag else str,
            metavar=None if is_flag else _metavar(name),
            help=HELP[name] + _default_in_words(default),
        )
        self.title = title


class SettingsCommand(click.Command):
    """A command whose `--help` lists its settings in the groups that settings.py gives them."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        titled: dict[str, list[tuple[str, str]]] = {"Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                title = parameter.title if isinstance(parameter, SettingOption) else "Options"
                titled.setdefault(title, []).append(record)
        for title, records in titled.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def settings_command(
    name: str, settings: Sequence[str] = NAMES, *, takes_warnings: bool = False
) -> Callable[[Callable[..., Any]], SettingsCommand]:
    """Make a function that takes `settings` a command with an option for each named setting.

    Settings that have no option here come from the environment, and are checked all the same. What is odd about them
    is printed on stderr, or given to the function as `warnings` when it takes them.
    """

    def decorate(function: Callable[..., Any]) -> SettingsCommand:
        @wraps(function)
        def command(**arguments: Any) -> Any:
            flags = {option: arguments.pop(option) for option in settings}
            warnings: list[str] = []
            read_settings = read(flags, os.environ, warnings.append)
            if takes_warnings:
                arguments["warnings"] = warnings
            else:
                for warning in warnings:
                    click.echo(f"Warning: {warning}", err=True)
            return function(settings=read_settings, **arguments)

        made = click.command(name, cls=SettingsCommand, epilog=_EPILOG)(command)
        made.params += [
            SettingOption(option, title)
            for title, members in groups().items()
            for option in members
            if option in settings
        ]
        return made

    return decorate


def _metavar(name: str) -> str:
    words = wanted(name)
    if words.startswith("a whole number"):
        return "N"
    return "NAME" if words.startswith("one of") or name == "payments" else "TEXT"


def _default_in_words(default: Any) -> str:
    if isinstance(default, bool):
        return f"  [default: {'yes' if default else 'no'}]"
    return f"  [default: {default}]" if default != "" else ""
