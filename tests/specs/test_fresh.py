"""No generated document is stale, and the command that writes them writes those alone that are."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dropcast.specs import documents
from dropcast.specs.documents import REFERENCE
from dropcast.specs.tables import COMMAND
from tests.specs.support import ROOT

DOCUMENTS = documents(ROOT)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_generated_document_is_what_the_code_says(name: str) -> None:
    path = ROOT / name
    fresh = path.exists() and path.read_text(encoding="utf-8") == DOCUMENTS[name]
    assert fresh, f"{name} is stale: run `{COMMAND}`"


def test_nothing_else_lies_among_the_references() -> None:
    lying = {str(path.relative_to(ROOT)) for path in (ROOT / REFERENCE).iterdir()}
    assert lying == {name for name in DOCUMENTS if name.startswith(REFERENCE)}


def test_the_command_writes_what_is_stale_and_says_so(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "client_sdk" / "spec", tmp_path / "client_sdk" / "spec")
    (tmp_path / "client_sdk" / "spec" / "openapi.json").write_text("old")
    written = _write(tmp_path)
    assert written.returncode == 0, written.stderr
    assert "client_sdk/spec/openapi.json" in written.stdout.split()
    assert {name: (tmp_path / name).read_text(encoding="utf-8") for name in DOCUMENTS} == DOCUMENTS
    again = _write(tmp_path)
    assert (again.returncode, again.stdout) == (0, "")


def test_the_command_writes_nothing_elsewhere(tmp_path: Path) -> None:
    refused = _write(tmp_path)
    assert refused.returncode == 2
    assert "not the root" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def _write(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dropcast.specs"], cwd=folder, capture_output=True, text=True
    )
