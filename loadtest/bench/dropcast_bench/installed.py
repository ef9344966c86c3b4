"""What is installed here: a contender that needs what is not is left out before it is started."""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path


def is_here(name: str) -> bool:
    """Whether a module, or a command beside this Python or on the path, is installed."""
    return find_spec(name) is not None or command(name) is not None


def command(name: str) -> str | None:
    """Return the path of a command that is beside this Python or on the path."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(name, path=os.pathsep.join((beside, os.environ.get("PATH", os.defpath))))
