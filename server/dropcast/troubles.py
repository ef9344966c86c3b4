"""Troubles that last: each is logged once when it begins and once when it is over, however often it is met meanwhile.

Whoever tries again and again, such as a beat or a sweep, says what it met here instead of logging every try.
"""

import logging
import time
from collections.abc import Hashable


class Troubles:
    def __init__(self, logger: logging.Logger | None) -> None:
        """Without a logger nothing is logged: whoever called is told by the exception."""
        self._logger = logger
        self._since_s: dict[Hashable, float] = {}

    def __bool__(self) -> bool:
        """Whether there is any trouble."""
        return bool(self._since_s)

    def __contains__(self, subject: Hashable) -> bool:
        return subject in self._since_s

    def began(self, subject: Hashable, message: str, *args: object) -> None:
        """Log a warning, unless this trouble is known already."""
        if subject not in self._since_s:
            self._since_s[subject] = time.monotonic()
            if self._logger is not None:
                self._logger.warning(message, *args)

    def ended(self, subject: Hashable, message: str, *args: object) -> None:
        """Log that a known trouble is over, and how long it lasted; nothing when there was none."""
        since_s = self._since_s.pop(subject, None)
        if since_s is not None and self._logger is not None:
            self._logger.warning(message + ", after %.1f s", *args, time.monotonic() - since_s)

    def forget(self, subject: Hashable) -> None:
        """Nobody looks at the subject any more."""
        self._since_s.pop(subject, None)
