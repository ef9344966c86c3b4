"""What waits for one consumer of a show: a bounded queue that never loses a numbered event in silence.

The reader never waits for a consumer. While `conflate_at` events wait, units left and viewer counts are no
longer queued: what changed is noted, and read from the show's state once everything before it was taken.
When `limit` events wait all the same, they are let go, and the consumer gets `FellBehind`.
"""

from collections import deque
from collections.abc import Callable

from dropcast_client.errors import DropcastError, FellBehind
from dropcast_client.events import Event
from dropcast_client.messages import Stock, Viewers
from dropcast_client.show_state import ShowState


class Inbox:
    def __init__(
        self, show: str, state: Callable[[], ShowState | None], limit: int, conflate_at: int = 256
    ) -> None:
        self._show = show
        self._state = state
        self._limit = limit
        self._conflate_at = min(conflate_at, limit)
        self._events: deque[Event] = deque()
        self._changed: dict[str, dict[str, None]] = {}
        """SKUs by drop whose units left are to be told."""
        self._viewers_changed = False
        self._seq = 0
        self.ended = False
        """Whether nothing more will be put in. What waits may still be taken."""
        self.error: DropcastError | None = None
        """Why it ended; None when it was closed."""

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: Event) -> None:
        if self.ended:
            return
        if isinstance(event, Stock) and (self._changed or len(self._events) >= self._conflate_at):
            for drop, units in event.units.items():
                self._changed.setdefault(drop, {}).update(dict.fromkeys(units))
        elif isinstance(event, Viewers) and (self._viewers_changed or len(self._events) >= self._conflate_at):
            self._viewers_changed = True
        elif len(self._events) >= self._limit:
            self._fall_behind()
        else:
            self._events.append(event)

    def take(self) -> Event | None:
        """Return the next event, or None when none waits."""
        if self._events:
            event = self._events.popleft()
            self._seq = getattr(event, "seq", self._seq)
            return event
        state = self._state()
        if state is None:
            return None
        if self._changed:
            changed, self._changed = self._changed, {}
            units = {
                name: {sku: drop.stock[sku] for sku in skus if sku in drop.stock}
                for name, skus in changed.items()
                if (drop := state.drops.get(name)) is not None
            }
            return Stock(show=self._show, offset=state.offset, units=units)
        if self._viewers_changed:
            self._viewers_changed = False
            return Viewers(show=self._show, viewers=state.viewers)
        return None

    def end(self, error: DropcastError | None) -> None:
        if not self.ended:
            self.ended = True
            self.error = error

    def _fall_behind(self) -> None:
        waiting = len(self._events) + 1
        self._events.clear()
        self._changed.clear()
        self._viewers_changed = False
        self.end(FellBehind(self._show, self._seq, waiting))
