"""Waiting: on a condition until a moment of time.monotonic(), which may be never, and on a socket."""

import select
import threading
import time

from dropcast_client.clock import NEVER

_LONGEST_S = 3_600.0
"""A condition cannot wait for ever by number; whoever waits looks again anyway."""


def wait_on(condition: threading.Condition, by_s: float | None) -> bool:
    """Wait for a notification, with the condition's lock held. Return False when `by_s` has come."""
    if by_s is None or by_s == NEVER:
        condition.wait()
        return True
    left_s = by_s - time.monotonic()
    if left_s <= 0:
        return False
    condition.wait(min(left_s, _LONGEST_S))
    return True


def wait_for_socket(number: int, to_write: bool, timeout_s: float | None) -> None:
    """Wait until the socket of that number can be written or read, or has failed, or the time is over."""
    if number < 0:
        return
    if not hasattr(select, "poll"):  # Windows; gevent puts its own in place of both
        select.select([] if to_write else [number], [number] if to_write else [], [], timeout_s)
        return
    poll = select.poll()
    poll.register(number, select.POLLOUT if to_write else select.POLLIN)
    poll.poll(None if timeout_s is None else timeout_s * 1000)
