"""When to dial: at once when asked, after a loss with full jitter, and not before a server that goes away says.

Pure; times are seconds of the session's clock. A dial that does not come about in OPEN_S counts as lost.
"""

from dropcast_client.backoff import Backoff
from dropcast_client.clock import NEVER
from dropcast_client.codes import Close

OPEN_S = 10.0
"""How long dialling and hello may take together."""
STEADY_S = 5.0
"""A connection that lasted this long was a good one: the next delay begins small again."""

_SLOWER = frozenset({Close.TOO_MANY_CONNECTIONS, Close.FLOOD})
_SLOWER_ATTEMPT = 4
"""After a code that says "slower" the delays begin here."""


class Redial:
    def __init__(self, backoff: Backoff) -> None:
        self.dial_at_s = NEVER
        self.open_by_s = NEVER
        self._backoff = backoff
        self._dials = 0
        self._attempt = 0
        self._welcomed_at_s = NEVER
        self._away_until_s = 0.0

    @property
    def wake_at_s(self) -> float:
        return min(self.dial_at_s, self.open_by_s)

    def asked(self) -> None:
        """The application asks for a connection: delays begin small."""
        self._attempt = 0

    def dialled(self, now_s: float) -> int:
        """A dial begins. Return its number, from 0."""
        self.dial_at_s = NEVER
        self.open_by_s = now_s + OPEN_S
        self._dials += 1
        return self._dials - 1

    def welcomed(self, now_s: float) -> None:
        self.open_by_s = NEVER
        self._welcomed_at_s = now_s

    def going_away(self, after_ms: int, now_s: float) -> None:
        """The server says that it will close, and when to come back."""
        self._away_until_s = now_s + after_ms / 1000

    def lost(self, code: int, now_s: float) -> None:
        """The connection ended, or did not come about: plan the next dial."""
        if now_s - self._welcomed_at_s >= STEADY_S:
            self._attempt = 0
        if code in _SLOWER:
            self._attempt = max(self._attempt, _SLOWER_ATTEMPT)
        begin_s = max(now_s, self._away_until_s)
        self.forget()
        self.dial_at_s = begin_s + self._backoff.delay_s(self._attempt)
        self._attempt += 1

    def forget(self) -> None:
        """There is no socket, and none is planned."""
        self.dial_at_s = self.open_by_s = self._welcomed_at_s = NEVER
        self._away_until_s = 0.0
