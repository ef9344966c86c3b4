"""The runner of the proofs: every proof can be had by its name, and ends with one line that says how it went."""

import json
import subprocess
import sys
from importlib import import_module
from inspect import iscoroutinefunction, signature
from pathlib import Path

import pytest

from tests.proofs import __main__ as runner
from tests.proofs.proof import Verdict

HELPERS = {"__main__", "crowd", "proof", "stage", "suite"}


def test_every_proof_has_its_name() -> None:
    files = {path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("test_")}
    assert files - HELPERS == set(runner.NAMES)


@pytest.mark.parametrize("name", runner.NAMES)
def test_every_proof_is_made_for_the_runner(name: str) -> None:
    module = import_module(f"tests.proofs.{name}")
    assert module.__doc__
    assert iscoroutinefunction(module.prove)
    assert list(signature(module.prove).parameters) == ["seed", "full"]


@pytest.mark.parametrize(
    ("figures", "problems", "ok"), [({"oversold": 0}, [], True), ({"oversold": 1}, ["one too many"], False)]
)
def test_a_proof_ends_with_one_line_of_json(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    figures: dict[str, int],
    problems: list[str],
    ok: bool,
) -> None:
    async def prove(seed: int, *, full: bool) -> Verdict:
        return Verdict(figures={**figures, "full": full}, problems=problems)

    monkeypatch.setattr("tests.proofs.oversell.prove", prove)
    monkeypatch.setattr(sys, "argv", ["proofs", "oversell", "--seed", "7"])
    assert runner.main() == (0 if ok else 1)
    said = capsys.readouterr()
    (line,) = [json.loads(line) for line in said.out.splitlines()]
    assert (line["proof"], line["seed"], line["ok"]) == ("oversell", 7, ok)
    assert line["figures"]["full"] is True
    assert all(problem in said.err for problem in problems)


def test_a_proof_that_breaks_has_not_held(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def prove(seed: int, *, full: bool) -> Verdict:
        raise RuntimeError("the stage fell in")

    monkeypatch.setattr("tests.proofs.oversell.prove", prove)
    monkeypatch.setattr(sys, "argv", ["proofs", "oversell", "--seeds", "2", "--small"])
    assert runner.main() == 1
    said = capsys.readouterr()
    assert [json.loads(line)["seed"] for line in said.out.splitlines()] == [1, 2]
    assert "the stage fell in" in said.err


def test_an_unknown_proof_is_refused() -> None:
    command = [sys.executable, "-m", "tests.proofs", "perpetual_motion"]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert ended.returncode == 2
    assert "oversell" in ended.stderr
