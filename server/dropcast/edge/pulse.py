"""Whether a viewer still reads: now and then it is asked by a ping, and its pong must come in time. Pure.

The kernel hides for minutes that nobody reads any more: it takes what is written, and acknowledges it. That no ping is
answered, it cannot hide. Browsers answer pings by themselves.
"""

from enum import Enum

VISITS_PER_STALL = 5
"""How often a socket is visited within `stall_ms`."""
_PING_AT = 3
_DEAD_AT = _PING_AT + VISITS_PER_STALL
"""Visits since the last pong: the ping has `stall_ms` to be answered."""


class Beat(Enum):
    FINE = "fine"
    PING = "ping"
    """It should be sent a ping."""
    DEAD = "dead"
    """It has not answered."""


class Pulse:
    __slots__ = ("_pongs", "_visits")

    def __init__(self) -> None:
        self._visits = 0
        self._pongs = 0

    def visit(self, pongs: int) -> Beat:
        """Visit a socket that has sent `pongs` so far."""
        if pongs != self._pongs:
            self._pongs = pongs
            self._visits = 0
        self._visits += 1
        if self._visits >= _DEAD_AT:
            return Beat.DEAD
        return Beat.PING if self._visits == _PING_AT else Beat.FINE
