"""One show as this worker follows it: its state, its room, the ring of encoded events.

In flows every publication of the show's channel; out go numbered events, conflated stock and personal events.
A joining viewer is answered from here without asking the engine. When publications may be lost (a new
subscription, a gap, a top that was never reached) the show is read again, see rereading.py, and what the room missed
is sent from the event log; where the log cannot tell, the room gets the whole state by `resync`.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence

from dropcast.domain.events import (
    Beat,
    DropOpened,
    DropScheduled,
    Event,
    Movement,
    MovementKind,
    Publication,
    Snapshot,
    StockLine,
)
from dropcast.domain.faults import EngineAway, Fault
from dropcast.domain.hold import Hold
from dropcast.domain.ports import ShowStore
from dropcast.domain.state import Applied, ShowState, movement_to
from dropcast.hub.ring import EventRing
from dropcast.hub.room import Payloads, Room
from dropcast.metrics import counts
from dropcast.service import views
from dropcast.service.askers import Askers
from dropcast.service.encoded import EncodedState
from dropcast.service.rereading import Missed, Rereading
from dropcast.service.sharing import ReadGate
from dropcast.service.stock import StockByDrop, StockTeller
from dropcast.service.waiting import SeqWaiters
from dropcast.settings import Settings
from dropcast.wire import messages

logger = logging.getLogger(__name__)


class LiveShow:
    """See the module. Everything here runs on the worker's event loop."""

    def __init__(
        self,
        show: str,
        store: ShowStore,
        settings: Settings,
        on_deadline: Callable[["LiveShow", int], None],
        gate: ReadGate,
    ) -> None:
        """`gate` lets so many shows be read for the first time at once."""
        self.id = show
        self._on_deadline = on_deadline
        self.room = Room(slice_sockets=settings.slice_sockets)
        self.ring = EventRing(settings.ring_events)
        self._stock = StockTeller(
            interval_ms=settings.stock_ms, urgent_units=settings.stock_urgent_units, tell=self._tell_stock
        )
        self.state: ShowState | None = None
        self.viewers = 0
        self.ready: asyncio.Future[ShowState] = asyncio.get_running_loop().create_future()
        """The state once it was read the first time, or the fault that kept it from being read."""
        self.entering = 0
        """How many are on their way into the room."""
        self.encoded = EncodedState()
        self.written_seq = 0
        """The last event that was written through this worker, as far as its writers said: readers wait for it."""
        self.asked = Askers()
        self._waiters = SeqWaiters()
        self._reading = Rereading(self, store, gate, settings.catch_up_bytes_max)
        self._top_seen: Beat | None = None

    # In ----------------------------------------------------------------------------------------------------

    def on_confirmed(self) -> None:
        """The channel is subscribed, perhaps again: what came before may be lost."""
        self._reading.read()

    def on_publication(self, publication: Publication) -> None:
        counts.publications += 1
        self.room.began_s = time.perf_counter()
        if self._reading.is_reading:
            self._reading.keep(publication)
        elif self.state is not None and self.take(publication) is Applied.GAP:
            self._reading.on_gap(publication)
        self.room.began_s = 0.0

    def on_beat(self, beat: Beat) -> None:
        """Compare with what the engine says: a top that one beat ago was there and is still not here was lost."""
        state, seen = self.state, self._top_seen
        if state is not None and not self._reading.is_reading:
            is_behind = (
                seen is not None
                and seen.epoch == state.epoch
                and any(own < top for own, top in zip(_tops(state), _tops(seen), strict=True))
            )
            if is_behind or beat.epoch != state.epoch:
                counts.gaps["beat"] += 1
                logger.warning("show %s: publications were lost, reading it again", self.id)
                self._reading.read_if_idle()
        self._top_seen = beat
        if beat.viewers != self.viewers:
            self.viewers = beat.viewers
            self.encoded.changed()
            self.room.send(views.encode(messages.Viewers(show=self.id, viewers=beat.viewers)))

    def on_top(self, seq: int) -> None:
        """The engine has had the event `seq` for a while: if it is not here, it was lost."""
        if self.state is not None and self.state.seq < seq:
            self._reading.read_if_idle()

    def take(self, publication: Publication) -> Applied:
        """Take one publication in, and tell the room of it. GAP: it does not fit, and nothing was done."""
        state = self.state
        assert state is not None
        applied = state.apply(publication)
        if applied is Applied.DONE:
            self.encoded.changed()
            for event in publication.events:
                self._send_event(event, views.encode(views.event_view(self.id, event)))
            for movement in publication.movements:
                self._tell_holder(movement, publication.offset)
            self._stock.mark(publication.stock)
            self._note_deadlines(publication)
            if publication.moderated:
                self.show_out(found.viewer for found in publication.moderated)
            if publication.movements:
                self.asked.come_to(publication.offset)
            if publication.events:
                self._waiters.come_to(publication.seq)
        return applied

    def _note_deadlines(self, publication: Publication) -> None:
        deadlines = [
            movement.expires_at_ms for movement in publication.movements if movement.kind in _MAKES_DEADLINE
        ]
        for event in publication.events:
            if isinstance(event, DropScheduled | DropOpened) and event.terms.next_change_ms:
                deadlines.append(event.terms.next_change_ms)
        if deadlines:
            self._on_deadline(self, min(deadlines))

    # Out ---------------------------------------------------------------------------------------------------

    def state_payload(self, codec_index: int) -> bytes:
        """Return the whole state, encoded by one codec; made once however many join."""
        assert self.state is not None
        return self.encoded.whole(self.state, self.viewers, codec_index)

    def _send_event(self, event: Event, payloads: Payloads) -> None:
        counts.sent_event(event.at_ms)
        self.ring.append(event.seq, payloads)
        assert self.state is not None
        self.room.send(payloads, (self.state.epoch, event.seq))

    def _tell_stock(self, units: StockByDrop) -> bool:
        if self.room.is_writing or self.state is None:
            return False
        self.room.send(views.encode(messages.Stock(show=self.id, offset=self.state.offset, units=units)))
        return True

    def _tell_holder(self, movement: Movement, offset: int) -> None:
        asker = self.asked.told(movement.hold) if movement.kind is MovementKind.HELD else None
        members = self.room.members_of(movement.viewer, but=asker)
        if not members:
            return
        message = views.personal_view(self.id, movement, offset)
        if message is not None:
            payloads = views.encode(message)
            for member in members:
                self.room.write_to(member, payloads)

    def show_out(self, viewers: Iterable[str]) -> None:
        """Those of `viewers` who are banned leave the room; the last that their sockets hear of the show is why."""
        for viewer in viewers:
            if self.state is not None and self.state.is_banned(viewer):
                for member in self.room.members_of(viewer):
                    self.room.write_to(member, views.encode(messages.Banned(show=self.id)))
                    self.room.leave(member)

    async def reaches(self, seq: int, timeout_s: float) -> bool:
        """Wait until the state is at `seq`, at most so long; return whether it is. Another epoch ends the wait too."""
        if self.state is not None and self.state.seq < seq:
            await self._waiters.wait(seq, timeout_s)
        return self.state is not None and self.state.seq >= seq

    # Reading -----------------------------------------------------------------------------------------------

    def has_viewer(self, viewer: str) -> bool:
        return bool(self.room.members_of(viewer))

    def adopt(self, snapshot: Snapshot, missed: Missed) -> None:
        before, state = self.state, ShowState(snapshot)
        self.state = state
        self.encoded.changed()
        if before is None:
            self.room.position = (state.epoch, state.seq)
            self.ready.set_result(state)
        elif missed.events is None:
            logger.warning(
                "show %s: its history cannot be followed from %s/%d", self.id, before.epoch, before.seq
            )
            self.ring.clear()
            self._resync(state)
        else:
            for event, payloads in missed.events:
                self._send_event(event, payloads)
            self._tell_missed_holds(before, state, missed.closed)
            self._stock.mark(
                StockLine(drop, sku, free)
                for drop, by_sku in state.stock.items()
                for sku, free in by_sku.items()
            )
        if before is not None and before.epoch != state.epoch:
            self.asked.forget()
            self._waiters.let_go()
            self.written_seq = 0
        self.asked.come_to(state.offset)
        self._waiters.come_to(state.seq)
        self.show_out(state.moderated)
        deadline_ms = state.next_deadline_ms()
        if deadline_ms is not None:
            self._on_deadline(self, deadline_ms)

    def _tell_missed_holds(self, before: ShowState, state: ShowState, closed: Sequence[Hold]) -> None:
        for hold in closed:
            self._tell_holder(movement_to(hold), state.offset)
        for hold in state.holds.values():
            if before.holds.get(hold.id) != hold:
                self._tell_holder(movement_to(hold), state.offset)

    def _resync(self, state: ShowState) -> None:
        counts.resyncs += 1
        payloads = self.encoded.both(state, self.viewers)
        self.room.send(views.encode_resync(self.id, state, payloads), (state.epoch, state.seq))

    def fail(self, fault: Fault) -> None:
        if not self.ready.done():
            self.ready.set_exception(fault)
            self.ready.exception()  # those who wait are told; nobody waiting is no mistake

    def close(self) -> None:
        """Stop timers and reading: the show is not followed any more. Whoever waits for its state is told."""
        self.fail(EngineAway("the show is not followed here any more; ask again"))
        self._stock.stop()
        self._reading.cancel()
        self._waiters.let_go()


def _tops(known: ShowState | Beat) -> tuple[int, int, int]:
    return known.seq, known.offset, known.moderations


_MAKES_DEADLINE = (MovementKind.HELD, MovementKind.PAYING, MovementKind.RESUMED)
