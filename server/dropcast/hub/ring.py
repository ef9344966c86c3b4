"""The last events of a show, encoded: they serve the viewers who come back, without asking the engine."""

from collections import deque

from dropcast.hub.merge import Numbered
from dropcast.hub.room import Payloads


class EventRing:
    """Contiguous encoded events up to the top."""

    def __init__(self, events_max: int) -> None:
        self._events: deque[Numbered[Payloads]] = deque(maxlen=events_max)

    def append(self, seq: int, payloads: Payloads) -> None:
        """Add the next event. One that does not follow starts the ring anew."""
        if self._events and seq != self._events[-1].seq + 1:
            self._events.clear()
        self._events.append(Numbered(seq, payloads))

    def clear(self) -> None:
        self._events.clear()

    def after(self, since: int) -> list[Numbered[Payloads]]:
        """Return the kept events above `since`; they may start later than since + 1."""
        if not self._events or self._events[-1].seq <= since:
            return []
        skip = max(0, since + 1 - self._events[0].seq)
        events = list(self._events)
        return events[skip:]
