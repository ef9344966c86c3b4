"""Troubles that last: each is logged once when it begins and once when it is over, however often it is met meanwhile.

Whoever tries again and again, such as a beat or a sweep, says what it met here instead of logging every try.
"""

import logging
import time
from collections.abc import Hashable


class Troubles:
    def __init__(self, logger: logging.Logger | None, *, steady_s: float = 0.0) -> None:
        """Without a logger nothing is logged: whoever called is told by the exception.

        A trouble is over when it was not met for `steady_s` seconds after it had ended, so that one which comes and
        goes is one trouble.
        """
        self._logger = logger
        self._steady_s = steady_s
        self._since_s: dict[Hashable, float] = {}
        self._ended_s: dict[Hashable, float] = {}
        """When those ended that may be over."""

    def __bool__(self) -> bool:
        """Whether there is any trouble."""
        return bool(self._since_s)

    def __contains__(self, subject: Hashable) -> bool:
        return subject in self._since_s

    def began(self, subject: Hashable, message: str, *args: object) -> None:
        """Log a warning, unless this trouble is known already."""
        if subject in self._since_s:
            self._ended_s.pop(subject, None)
            return
        self._since_s[subject] = time.monotonic()
        if self._logger is not None:
            self._logger.warning(message, *args)

    def ended(self, subject: Hashable, message: str, *args: object) -> None:
        """Log that a known trouble is over, and how long it lasted; nothing when there was none."""
        since_s = self._since_s.get(subject)
        if since_s is None:
            return
        now_s = time.monotonic()
        ended_s = self._ended_s.setdefault(subject, now_s)
        if now_s - ended_s >= self._steady_s:
            self.forget(subject)
            if self._logger is not None:
                self._logger.warning(message + ", after %.1f s", *args, ended_s - since_s)

    def forget(self, subject: Hashable) -> None:
        """Nobody looks at the subject any more."""
        self._since_s.pop(subject, None)
        self._ended_s.pop(subject, None)
