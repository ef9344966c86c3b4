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


def workers_of(pid: int) -> list[int]:
    """Return the worker processes of the server whose supervisor is `pid`, the oldest first."""
    return sorted(child for child in children_of(pid) if b"dropcast.worker" in _command(child))


def memory_bytes(pid: int) -> int:
    """Return how much memory a process has in use."""
    pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _command(pid: int) -> bytes:
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""
