"""The server of another revision: taken from git into a folder, and named so that a reader knows what was measured.

`compare` calls it. The folder goes to the server's processes by PYTHONPATH (ours.py); other packages are those of this
Python for both.
"""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[3]
"""The checkout that the benches are in."""
_FOLDER = "server"
_SHORT = 9


class RevisionError(Exception):
    """There is no server of that revision to be had; the message says why."""


class Revision(NamedTuple):
    name: str
    code: Path
    """The folder that has the package `dropcast`."""


def this_checkout() -> Revision:
    """Return the server of this checkout as it is, with what is not committed. Raises RevisionError."""
    name = _git("rev-parse", f"--short={_SHORT}", "HEAD").strip()
    is_changed = _git("status", "--porcelain", "--", _FOLDER).strip()
    return Revision(name + " with changes" * bool(is_changed), ROOT / _FOLDER)


@contextlib.contextmanager
def another(revision: str) -> Iterator[Revision]:
    """Unpack the server of a revision for as long as this is entered. Raises RevisionError."""
    try:
        name = _git("rev-parse", f"--short={_SHORT}", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    except RevisionError as error:
        raise RevisionError(
            f"there is no revision {revision} in {ROOT}: fetch it, or name another"
        ) from error
    with tempfile.TemporaryDirectory(prefix="dropcast-bench-") as folder:
        archive = Path(folder, "server.tar")
        _git("archive", "--format=tar", f"--output={archive}", name, _FOLDER)
        unpacked = subprocess.run(["tar", "-xf", str(archive), "-C", folder], capture_output=True, text=True)
        if unpacked.returncode:
            raise RevisionError(f"the archive of {revision} cannot be unpacked: {unpacked.stderr.strip()}")
        yield Revision(name, Path(folder, _FOLDER))


def check(revision: Revision, environ: dict[str, str]) -> None:
    """Raise RevisionError unless Python takes `dropcast` from the revision's folder in this environment."""
    program = "import dropcast; print(dropcast.__file__)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], env=environ, capture_output=True, text=True, cwd=revision.code
    )
    found = done.stdout.strip()
    if not found or not Path(found).is_relative_to(revision.code):
        why = done.stderr.strip().splitlines()[-1:] or [f"Python takes it from {found}"]
        raise RevisionError(f"the server of {revision.name} cannot be measured: {why[0]}")


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True)
    except FileNotFoundError as error:
        raise RevisionError("git is not installed: another revision is taken from it") from error
    if done.returncode:
        raise RevisionError(f"git {words[0]}: {done.stderr.strip() or 'failed'}")
    return done.stdout
