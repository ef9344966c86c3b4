"""Processes of this machine, by their ids: who lives, and who started whom."""

import os
from pathlib import Path

_PROC = Path("/proc")


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be reaped by its parent does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    fields = _stat(pid)
    return fields is None or fields[0] != "Z"


def children_of(pid: int) -> set[int]:
    """Return the living processes that `pid` started."""
    listed = (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())
    return {
        child for child in listed if (fields := _stat(child)) and fields[0] != "Z" and fields[1] == str(pid)
    }


def _stat(pid: int) -> list[str] | None:
    """Return state, parent and so on, as Linux tells them."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
