"""The last events of a show, encoded: they serve the viewers who come back, without asking the engine."""

from collections import deque
from itertools import islice

from dropcast.hub.merge import Numbered
from dropcast.hub.room import Payloads


class EventRing:
    """Contiguous encoded events up to the top."""

    def __init__(self, events_max: int) -> None:
        self._events: deque[Numbered[Payloads]] = deque(maxlen=events_max)
        self._bytes = 0
        self._bytes_before: deque[int] = deque(maxlen=events_max)
        """For each event, the bytes of all that were ever appended before it."""

    def append(self, seq: int, payloads: Payloads) -> None:
        """Add the next event. One that does not follow starts the ring anew."""
        if self._events and seq != self._events[-1].seq + 1:
            self.clear()
        self._events.append(Numbered(seq, payloads))
        self._bytes_before.append(self._bytes)
        self._bytes += len(payloads[0])

    def clear(self) -> None:
        self._events.clear()
        self._bytes_before.clear()

    def payloads_after(self, since: int, upto: int) -> list[Payloads] | None:
        """Return exactly the events above `since` up to `upto`, the last; None when not all of them are kept."""
        events = self._events
        if not events:
            return [] if since == upto else None
        if events[0].seq > since + 1 or events[-1].seq != upto:
            return None
        return [event.value for event in islice(events, since + 1 - events[0].seq, None)]

    def bytes_after(self, since: int) -> int:
        """Return the bytes, as the first codec encodes them, of what `after` would return."""
        if not self._events or self._events[-1].seq <= since:
            return 0
        return self._bytes - self._bytes_before[max(0, since + 1 - self._events[0].seq)]

    @property
    def first(self) -> int | None:
        """The seq of the first event that is kept."""
        return self._events[0].seq if self._events else None

    def after(self, since: int) -> list[Numbered[Payloads]]:
        """Return the kept events above `since`; they may start later than since + 1."""
        if not self._events or self._events[-1].seq <= since:
            return []
        skip = max(0, since + 1 - self._events[0].seq)
        return list(islice(self._events, skip, None))
