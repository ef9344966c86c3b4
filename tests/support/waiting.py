"""Waiting for something to become true, instead of sleeping and hoping."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

DEADLINE_S = 20.0
_STEP_S = 0.01


async def wait_until(condition: Callable[[], object], what: str = "", deadline_s: float = DEADLINE_S) -> None:
    """Return as soon as `condition` holds, and fail with `what` when it does not within the deadline."""
    end_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end_s, f"after {deadline_s} s still not: {what or condition}"
        await asyncio.sleep(_STEP_S)


def wait_until_now(condition: Callable[[], object], what: str = "", deadline_s: float = DEADLINE_S) -> None:
    """As `wait_until`, for tests without an event loop."""
    end_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end_s, f"after {deadline_s} s still not: {what or condition}"
        time.sleep(_STEP_S)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be reaped by its parent does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not Path("/proc/self").exists()
