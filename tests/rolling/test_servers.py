"""That the two servers are what the tests of this folder take them for."""

import subprocess
import sys
from pathlib import Path

import pytest

import dropcast
from dropcast.store import library
from tests.rolling.conftest import ORDERS, Pair
from tests.support import old_version
from tests.support.processes import workers_of

_WHERE = "import dropcast.worker; print(dropcast.worker.__file__)"


def test_the_first_server_brings_its_functions_and_only_a_newer_one_replaces_them(pair: Pair) -> None:
    assert old_version.FUNCTIONS_VERSION < library.VERSION
    if pair.order == ORDERS[0]:
        assert pair.versions == (old_version.FUNCTIONS_VERSION, library.VERSION)
    else:
        assert pair.versions == (library.VERSION, library.VERSION)


@pytest.mark.parametrize("is_old", [True, False], ids=["the older", "the newer"])
def test_the_worker_of_each_server_runs_the_code_of_its_version(pair: Pair, is_old: bool) -> None:
    server = pair.old if is_old else pair.new
    expected = pair.old_packages if is_old else Path(dropcast.__file__).parents[1]
    (worker,) = workers_of(server.process.pid)
    environ = dict(
        line.split("=", 1) for line in Path(f"/proc/{worker}/environ").read_text().split("\0") if "=" in line
    )
    command = Path(f"/proc/{worker}/cmdline").read_text().split("\0")
    flags = command[1 : command.index("-m")]
    found = subprocess.run(
        [sys.executable, *flags, "-c", _WHERE], env=environ, capture_output=True, text=True, check=True
    )
    assert Path(found.stdout.strip()).parents[1] == expected


def test_a_checkout_without_the_commit_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(old_version, "COMMIT", "0" * 40)
    assert "does not have commit 0000000" in old_version.why_missing()
    monkeypatch.setattr(old_version, "_ROOT", tmp_path)
    assert old_version.why_missing()
