"""What the operating system says of a process: CPU time and memory. Linux; the kernel's own accounting, user + sys."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

_PROC = Path("/proc")


def cpu_s(pids: Sequence[int]) -> float:
    """Return the CPU seconds that all threads of the processes have used so far, to the nanosecond."""
    total_ns = 0
    for pid in pids:
        for task in (_PROC / str(pid) / "task").iterdir():
            total_ns += int((task / "schedstat").read_bytes().split()[0])
    return total_ns / 1e9


def rss_kib(pids: Sequence[int]) -> int:
    """Return the resident memory of the processes together, in KiB."""
    total = 0
    for pid in pids:
        for line in (_PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total


def sockets(pids: Sequence[int]) -> set[str]:
    """Return the sockets that the processes hold, each by a name of its own."""
    found = set()
    for pid in pids:
        folder = f"{_PROC}/{pid}/fd"
        for fd in os.listdir(folder):
            # One that was closed just now is not held.
            with contextlib.suppress(FileNotFoundError):
                found.add(os.readlink(f"{folder}/{fd}"))
    return {link for link in found if link.startswith("socket:")}


def family(pid: int) -> dict[int, str]:
    """Return a process and all that descend from it, each with its command line."""
    parents: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_bytes().rpartition(b")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, todo = {}, [pid]
    while todo:
        one = todo.pop()
        try:
            found[one] = (
                (_PROC / str(one) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
        except FileNotFoundError:
            continue
        todo += parents.get(one, [])
    return found


def is_alive(pid: int) -> bool:
    return os.path.exists(_PROC / str(pid))
