"""Each bench, small and whole: the shape of what it tells, who took part, and that nothing is left behind."""

import json
import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

import pytest

from dropcast_bench.__main__ import BENCHES
from dropcast_bench.installed import is_here
from dropcast_bench.revisions import ROOT
from dropcast_bench.rounds import Size

_MARK = "BENCH_TEST_RUN"
_SURE: dict[str, dict[str, float]] = {
    "flash": {"held": 10, "refused": 50, "unanswered": 0, "oversold": 0},
    "mixed": {"reserves": 120, "reserves@room": 120},
}
"""What small benches show of ours on any machine."""


def run(*args: str) -> tuple[dict[str, Any], int]:
    """Run the benches with these arguments; return the last line of stdout and the status."""
    mark = uuid.uuid4().hex
    # A short path: the engine's socket is in it.
    with tempfile.TemporaryDirectory(prefix="bt") as directory:
        done = subprocess.run(
            [sys.executable, "-m", "dropcast_bench", *args],
            env={**os.environ, _MARK: mark, "TMPDIR": directory},
            capture_output=True,
            text=True,
            check=False,
        )
        assert os.listdir(directory) == []
    assert processes_of(mark) == []
    assert done.stdout, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.returncode


def processes_of(mark: str) -> list[str]:
    """Return the command lines of the processes that were started with this mark."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if f"{_MARK}={mark}".encode() in (entry / "environ").read_bytes():
                    found.append((entry / "cmdline").read_text())
            except OSError:
                continue
    return found


def test_the_benches_are_played_in_this_order() -> None:
    assert list(BENCHES) == ["fanout", "reserve", "flash", "mixed", "join", "idle", "stall"]


@pytest.mark.parametrize("name", BENCHES)
def test_a_small_bench_plays_everyone_who_is_here_and_leaves_nothing_behind(name: str) -> None:
    told, status = run(name, "--small", "--rounds", "1", "--json")
    contenders = BENCHES[name].contenders(Size(small=True))
    here = {one.name for one in contenders if not one.needs or is_here(one.needs)}
    assert told["left_out"].keys() == {one.name for one in contenders} - here, told["left_out"]
    assert told["results"].keys() == told["spread"].keys() == here
    assert (told["bench"], told["rounds"], status) == (name, 1, 0)
    for figures in told["results"].values():
        assert figures
        assert all(isinstance(figure, int | float) for figure in figures.values())
    assert _SURE.get(name, {}).items() <= told["results"]["dropcast"].items()
    assert told["claims"]
    for claim in told["claims"]:
        assert claim.keys() == {"claim", "value", "bound", "holds"}
        assert claim["value"] is not None, claim


def test_only_the_contenders_that_are_named_play_and_a_claim_that_fails_is_a_status() -> None:
    told, status = run("fanout", "--small", "--rounds", "1", "--json", "--only", "floor", "--check")
    assert told["results"].keys() == {"floor"}
    assert told["results"]["floor"]["payload_bytes"] == 200
    # Ours did not play, so nothing can be said of it.
    assert status == 1


@pytest.mark.timeout(180)  # three servers, one after the other
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no checkout of git")
def test_a_small_comparison_plays_all_sides_and_leaves_nothing_behind() -> None:
    told, status = run("compare", "--against", "HEAD", "--small", "--rounds", "1", "--only", "idle", "--json")
    assert (told["left_out"], status) == ({}, 0)
    assert told["figures"]["idle"].keys() == {"this", "other", "again"}
    assert [cost["name"] for cost in told["costs"]] == ["idle", "idle, memory"]
    assert told["this"].removesuffix(" with changes") == told["against"]
