"""Waiting for a condition, never for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")

_POLL_S = 0.002


async def wait_until(condition: Callable[[], Any], *, timeout_s: float = 10.0) -> Any:
    """Return what `condition` gives once it is true; it may be asynchronous. Raises AssertionError when it never is."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = condition()
        value = await found if isinstance(found, Awaitable) else found
        if value:
            return value
        assert time.monotonic() < deadline, f"still {value!r} after {timeout_s} s"
        await asyncio.sleep(_POLL_S)


def wait_until_sync(condition: Callable[[], T], *, timeout_s: float = 10.0) -> T:
    """The same without an event loop."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"still {value!r} after {timeout_s} s"
        time.sleep(_POLL_S)
