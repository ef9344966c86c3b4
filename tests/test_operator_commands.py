"""The command that an operator is told to run leads to the engine of the server that tells it, and shows no secret."""

import shlex
from pathlib import Path

from dropcast.cli.options import ENGINE_OPTIONS
from dropcast.operator_commands import ENGINE_SETTINGS, operator_command
from dropcast.settings import Settings


def test_every_setting_that_names_the_engine_is_an_option_of_the_commands_for_it() -> None:
    assert ENGINE_OPTIONS == ENGINE_SETTINGS
    assert "--prefix boutique" in operator_command(Settings(prefix="boutique"), "thaw", "friday")


def test_a_data_directory_is_written_in_full_and_quoted(tmp_path: Path) -> None:
    told = operator_command(Settings(data_dir=str(tmp_path / "my shop")), "thaw", "friday")
    assert shlex.split(told) == ["dropcast", "thaw", "friday", "--data-dir", str(tmp_path / "my shop")]
    relative = operator_command(Settings(data_dir="here"), "audit")
    assert shlex.split(relative) == ["dropcast", "audit", "--data-dir", str(Path.cwd() / "here")]


def test_the_address_of_a_running_engine_takes_the_place_of_the_data_directory() -> None:
    settings = Settings(redis_url="redis://engine:6379/1", data_dir="here")
    assert operator_command(settings, "thaw", "friday") == (
        "dropcast thaw friday --redis-url redis://engine:6379/1"
    )


def test_an_address_with_a_password_is_not_shown() -> None:
    for url in (
        "redis://shop:hunter2@engine/1",
        "redis://:hunter2@engine",
        "unix:///run/r.sock?password=hunter2",
    ):
        told = operator_command(Settings(redis_url=url), "thaw", "friday")
        assert told == "dropcast thaw friday (with DROPCAST_REDIS_URL as the server has it)"
