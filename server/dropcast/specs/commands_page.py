"""docs/reference/command-line.md: every command of `dropcast`, from click."""

import inspect

import click

from dropcast.cli import main
from dropcast.cli.options import SettingOption
from dropcast.settings import NAMES, flag_of
from dropcast.specs.tables import code, page, table


def render() -> str:
    parts = []
    context = click.Context(main, info_name="dropcast")
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        parts += _command(command, click.Context(command, info_name=name, parent=context))
    return page(
        "The command line",
        "server/dropcast/cli",
        "`dropcast COMMAND --help` says the same. Settings may also be given as environment variables, see "
        "[settings.md](settings.md). The exit status is 0 when all is done, 1 when it failed or an audit found "
        "something, and 2 when the command or a setting is not understood.",
        *parts,
    )


def _command(command: click.Command, context: click.Context) -> list[str]:
    usage = " ".join((context.command_path, *command.collect_usage_pieces(context)))
    told = [f"## {context.command_path}", code(usage), *_paragraphs(command.help or "")]
    options = [
        record
        for parameter in command.params
        if not isinstance(parameter, SettingOption)
        and (record := parameter.get_help_record(context)) is not None
    ]
    if options:
        told.append(table(("option", "what it does"), ((code(names), about) for names, about in options)))
    settings = [parameter.name for parameter in command.params if isinstance(parameter, SettingOption)]
    if len(settings) == len(NAMES):
        told.append("Takes every [setting](settings.md).")
    elif settings:
        flags = ", ".join(code(flag_of(name or "")) for name in settings)
        told.append(f"Takes these [settings](settings.md): {flags}.")
    return told


def _paragraphs(text: str) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in inspect.cleandoc(text).split("\n\n")]
