"""`dropcast bench` hands on to the benches, and says what to install when they are not there."""

import subprocess
import sys
from typing import Any

import pytest
from click.testing import CliRunner

from dropcast.cli import main


def test_without_the_benches_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = CliRunner().invoke(main, ["bench", "fanout"])
    assert done.exit_code == 1
    assert "pip install 'dropcast-loadtest[bench]'" in done.output


def test_names_and_options_are_handed_on_and_the_status_back(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(subprocess, "run", run)
    done = CliRunner().invoke(main, ["bench", "reserve", "--json", "--rounds", "2"])
    assert done.exit_code == 3
    assert asked == [[sys.executable, "-P", "-m", "dropcast_bench", "reserve", "--json", "--rounds", "2"]]
