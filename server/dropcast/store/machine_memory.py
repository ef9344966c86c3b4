"""How much memory there is: asked by embedded.py, which gives the engine a bound below it."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

CONTAINER_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Of control groups (cgroups) of version 2 and 1."""


def memory_bytes(limits: Sequence[Path] = CONTAINER_LIMITS) -> int:
    """Return the memory of this machine, or of the container that this process runs in when that has less."""
    found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in limits:
        # "max" stands for no limit.
        with contextlib.suppress(OSError, ValueError):
            found = min(found, int(path.read_text()))
    return found
