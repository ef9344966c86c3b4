"""`dropcast bench` hands on to the benches, and says what to install when they are not there."""

import os
import sys

import pytest
from click.testing import CliRunner

from dropcast.cli import main


def test_without_the_benches_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = CliRunner().invoke(main, ["bench", "fanout"])
    assert done.exit_code == 1
    assert "pip install 'dropcast-loadtest[bench]'" in done.output


def test_the_bench_takes_the_place_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(os, "execv", lambda path, arguments: asked.append((path, arguments)))
    CliRunner().invoke(main, ["bench", "reserve", "--json", "--rounds", "2"])
    wanted = [sys.executable, "-P", "-m", "dropcast_bench", "reserve", "--json", "--rounds", "2"]
    assert asked == [(sys.executable, wanted)]
