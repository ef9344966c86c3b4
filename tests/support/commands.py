"""Ways to start a process as shells do: a command that becomes the one behind it."""

import signal
import sys


def ignoring(*numbers: signal.Signals) -> list[str]:
    """Return a command that becomes another one with signals ignored, as those of a background job are."""
    ignore = "; ".join(f"signal.signal({int(number)}, signal.SIG_IGN)" for number in numbers)
    return [sys.executable, "-c", f"import os, signal, sys; {ignore}; os.execvp(sys.argv[1], sys.argv[1:])"]


def with_open_files(soft: int, hard: int) -> list[str]:
    """Return a command that becomes another one with limits of open files."""
    limit = f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))"
    return [sys.executable, "-c", f"import os, resource, sys; {limit}; os.execvp(sys.argv[1], sys.argv[1:])"]
