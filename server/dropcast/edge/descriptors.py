"""File descriptors of a worker: when a connection must be refused for want of them, and how that is told.

libuv, below uvloop, resets what it cannot accept without telling anybody. So a worker keeps some descriptors back, and
refuses in order what would take those. How many are in use is told by a new connection's own: it is the lowest free
number, so all below it are taken. What fails all the same (the whole system is out of descriptors, or something else
took the last ones) is found by trying once a second.
"""

import asyncio
import logging
import os
import resource
import sys

from dropcast.metrics import counts

logger = logging.getLogger(__name__)

_RESERVE_MAX = 64
_RESERVE_SHARE = 8
"""An eighth of the limit, 64 at most, is for the engine, imports and files."""
_EASED_SHARE = 0.9
_TRY_S = 1.0
_SAY_S = 10.0


class Descriptors:
    def __init__(self, limit: int | None = None) -> None:
        """`limit`: how many this process may have; None asks the system."""
        if limit is None:
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._limit = sys.maxsize if limit == resource.RLIM_INFINITY else limit
        self._usable = self._limit - min(_RESERVE_MAX, self._limit // _RESERVE_SHARE)
        self._others: int | None = None
        """Descriptors that are no connection's, as far as that was seen; None: there was no lack yet."""
        self._connections = 0
        """How many connections there were when that was seen."""
        self._failures = 0
        self._said_s = -_SAY_S

    def lacks(self, descriptor: int, connections: int) -> bool:
        """Whether a new connection with this descriptor is one too many; `connections` are all, with it."""
        if descriptor >= self._usable:
            self._others = descriptor + 1 - connections
            self._connections = connections
        elif connections < self._connections * _EASED_SHARE:
            self._others = None
        return self._others is not None and connections + self._others > self._usable

    def count_failure(self, reason: str = "") -> None:
        """Count a connection that could not be taken, and log it: at once, then at most every ten seconds."""
        counts.accept_failures += 1
        self._failures += 1
        now_s = asyncio.get_running_loop().time()
        if now_s - self._said_s >= _SAY_S:
            self._said_s = now_s
            logger.error(
                "accepting failed %d times: %s; allow the process more than %d descriptors (ulimit -n, LimitNOFILE)",
                self._failures,
                reason
                or f"only {self._limit - self._usable} file descriptors are left, and they are kept back",
                self._limit,
            )
            self._failures = 0

    async def run(self) -> None:
        """Try once a second, until cancelled, whether a descriptor can be had."""
        while True:
            await asyncio.sleep(_TRY_S)
            self.try_one()

    def try_one(self) -> None:
        """Count a failure when no descriptor can be had."""
        try:
            os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            self.count_failure(error.strerror or str(error))
