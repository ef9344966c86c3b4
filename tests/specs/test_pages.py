"""The reference pages say what the code has: settings, commands, codes."""

import pytest

from dropcast.cli import main
from dropcast.settings import NAMES, flag_of, variable_of
from dropcast.settings_help import HELP
from dropcast.specs import codes_page, commands_page, settings_page
from dropcast.specs.tables import table
from dropcast.wire.codes import CLOSE_REASONS, ERRORS, REFUSALS, Close


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_is_told_with_its_flag_its_variable_and_its_help(name: str) -> None:
    row = next(line for line in settings_page.render().splitlines() if f"`{flag_of(name)}`" in line)
    assert f"`{variable_of(name)}`" in row
    assert HELP[name] in row


def test_a_setting_is_told_with_its_default_and_its_bounds() -> None:
    assert (
        "| `--workers` | `DROPCAST_WORKERS` | `1` | a whole number from 1 to 64 |" in settings_page.render()
    )
    assert "| `--guest-buying` | `DROPCAST_GUEST_BUYING` | no | true or false |" in settings_page.render()


@pytest.mark.parametrize("name", main.commands)
def test_a_command_is_told_with_its_options(name: str) -> None:
    section = commands_page.render().split(f"## dropcast {name}\n")[1].split("\n## ")[0]
    for parameter in main.commands[name].params:
        shown = [option for option in parameter.opts if option.startswith("--")]
        assert "Takes every [setting]" in section or all(option in section for option in shown)


def test_every_code_is_told() -> None:
    page = codes_page.render()
    for code, error in ERRORS.items():
        temporary = "yes" if error.temporary else "no"
        assert f"| `{code}` | {error.http_status} | {temporary} | {error.meaning} |" in page
    for close in Close:
        assert f"| {int(close)} | `{close.name}` |" in page
        assert CLOSE_REASONS[close] in page
    for reason, meaning in REFUSALS.items():
        assert f"| `{reason}` | {meaning} |" in page


def test_a_cell_with_a_bar_or_a_line_feed_stays_one_cell() -> None:
    assert table(("a",), [("x|y\nz",)]).splitlines()[-1] == "| x\\|y z |"
