"""The command line: what it prints, where, and with which status."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dropcast import __version__
from dropcast.cli import main
from dropcast.edge.secrets import SECRET_FILE
from dropcast.edge.tokens import Verifier
from dropcast.settings import NAMES, Settings, flag_of

COMMANDS = [
    *("serve", "demo", "loadtest", "bench", "token", "import", "shows", "audit", "freeze", "thaw", "health")
]


def run(*arguments: object, **variables: str) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], env=variables)


def verified(token: str, **settings: Any) -> tuple[str, str]:
    viewer = Verifier(Settings(**settings)).verify(token)
    return viewer.id, viewer.role.value


def test_help_lists_the_commands_in_the_order_of_use() -> None:
    done = run("--help")
    assert done.exit_code == 0
    listed = [line.split()[0] for line in done.stdout.split("Commands:")[1].splitlines() if line.strip()]
    assert listed == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    done = run(command, "--help")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) > 5


def test_serve_has_a_flag_for_every_setting_and_lists_them_by_group() -> None:
    text = run("serve", "--help").stdout
    assert [name for name in NAMES if flag_of(name) not in text] == []
    assert "Access:\n  --jwt-algorithm" in text


def test_the_version_is_told() -> None:
    assert run("--version").stdout == f"dropcast, version {__version__}\n"


def test_the_module_is_the_command_line_too() -> None:
    done = subprocess.run([sys.executable, "-m", "dropcast", "--version"], capture_output=True, text=True)
    assert done.stdout == f"dropcast, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        (["token", "--viewer", "vera"], {"DROPCAST_DATADIR": "x"}, "DROPCAST_DATADIR is no setting"),
        (["shows"], {"DROPCAST_PORT": "http"}, "DROPCAST_PORT=http: it must be a whole number"),
        (["serve", "--workers", "many"], {}, "--workers=many: it must be a whole number from 1 to 64"),
        (["serve", "--wrokers", "2"], {}, "No such option"),
        (["sevre"], {}, "No such command"),
        (["token"], {}, "--viewer"),
        (["token", "--viewer", "vera", "--role", "king"], {}, "king"),
    ],
)
def test_what_is_not_understood_is_status_two_and_named_on_stderr(
    arguments: list[str], variables: dict[str, str], words: str
) -> None:
    done = run(*arguments, **variables)
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stdout == ""


# token ---------------------------------------------------------------------------------------------------------


def test_token_prints_the_token_alone_signed_with_a_secret_that_it_makes(tmp_path: Path) -> None:
    done = run("token", "--viewer", "cleo", "--role", "creator", "--data-dir", tmp_path)
    assert done.exit_code == 0
    assert done.stderr == ""
    secret = (tmp_path / SECRET_FILE).read_text().strip()
    assert verified(done.stdout.removesuffix("\n"), jwt_secret=secret) == ("cleo", "creator")


def test_token_takes_secret_audience_and_issuer_from_the_environment(tmp_path: Path) -> None:
    secret = "s" * 40
    done = run(
        "token",
        "--viewer=vera",
        DROPCAST_DATA_DIR=str(tmp_path),
        DROPCAST_JWT_SECRET=secret,
        DROPCAST_JWT_AUDIENCE="shop",
        DROPCAST_JWT_ISSUER="login",
    )
    token = done.stdout.strip()
    assert verified(token, jwt_secret=secret, jwt_audience="shop", jwt_issuer="login") == ("vera", "viewer")
    assert list(tmp_path.iterdir()) == []


def test_token_refuses_another_algorithm(tmp_path: Path) -> None:
    variables = {"DROPCAST_JWT_ALGORITHM": "RS256", "DROPCAST_JWT_PUBLIC_KEY": "key.pem"}
    done = run("token", "--viewer", "vera", "--data-dir", tmp_path, **variables)
    assert done.exit_code == 2
    assert "only the issuer can mint such tokens" in done.stderr
