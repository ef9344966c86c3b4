"""The server of an older commit, taken out of git, so that tests can run its workers beside those of this version.

The fixture `old_packages` (fixtures.py) unpacks it once per test process. `Server(data_dir, Start(packages=...))` runs
it: its folder comes before everything else on the import path, in the supervisor and in its workers.
"""

import io
import re
import subprocess
import tarfile
from pathlib import Path

COMMIT = "4c3d435ab4826036257f9a024a25d1827da849b0"
"""The last commit before the engine functions got version 4."""
FUNCTIONS_VERSION = 3
_ROOT = Path(__file__).parents[2]


def why_missing() -> str:
    """Return why the commit cannot be had here, or "" when it can: an sdist has no git, a shallow clone no past."""
    try:
        found = _git("cat-file", "-e", f"{COMMIT}^{{commit}}")
    except FileNotFoundError:
        return "git is not installed: the older server cannot be taken out of it"
    if found.returncode != 0:
        return f"this checkout does not have commit {COMMIT[:7]}: the older server cannot be taken out of it"
    return ""


def unpack(folder: Path) -> Path:
    """Write the older server below `folder`; return the folder that holds its package. Raises ValueError."""
    archive = _git("archive", COMMIT, "server")
    archive.check_returncode()
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    packages = folder / "server"
    source = (packages / "dropcast" / "store" / "functions.lua").read_text(encoding="utf-8")
    if not re.search(rf"^local VERSION = {FUNCTIONS_VERSION}$", source, re.MULTILINE):
        raise ValueError(f"commit {COMMIT[:7]} does not have version {FUNCTIONS_VERSION} of the functions")
    return packages


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, check=False)
