"""One show as this worker follows it: its state, its room, the ring of encoded events.

In flows every publication of the show's channel; out go numbered events, conflated stock and personal events.
A joining viewer is answered from here without asking the engine. When publications may be lost (a new
subscription, a gap, a top that was never reached) the show is read again, and what the room missed is sent
from the event log; where the log cannot tell, the room gets the whole state by `resync`.
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
from dropcast.domain.faults import EngineFault, Fault
from dropcast.domain.hold import Hold
from dropcast.domain.ports import ShowStore
from dropcast.domain.state import Applied, ShowState, movement_to
from dropcast.hub.ring import EventRing
from dropcast.hub.room import Member, Payloads, Room
from dropcast.metrics import counts
from dropcast.service import views
from dropcast.service.stock import StockByDrop, StockTeller
from dropcast.settings import Settings
from dropcast.wire import messages

logger = logging.getLogger(__name__)

_READ_AGAIN_S = (0.1, 0.2, 0.5, 1.0, 2.0)
_LOG_PAGE = 1_000


class LiveShow:
    """See the module. Everything here runs on the worker's event loop."""

    def __init__(
        self, show: str, store: ShowStore, settings: Settings, on_deadline: Callable[["LiveShow", int], None]
    ) -> None:
        self.id = show
        self._store = store
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
        self.asked: dict[str, Member] = {}
        """Holds that a socket of this worker asks for: it is told by its reply, not by a personal event."""
        self._early: list[Publication] = []
        self._reader: asyncio.Task[None] | None = None
        self._read_again = False
        self._encoded_state: Payloads | None = None
        self._top_seen = (0, 0, 0)

    # In ----------------------------------------------------------------------------------------------------

    def on_confirmed(self) -> None:
        """The channel is subscribed, perhaps again: what came before may be lost."""
        self._read()

    def on_publication(self, publication: Publication) -> None:
        counts.publications += 1
        self.room.began_s = time.perf_counter()
        if self._reader is not None:
            self._early.append(publication)
        else:
            self._take(publication)
        self.room.began_s = 0.0

    def on_beat(self, beat: Beat) -> None:
        """Compare with what the engine says: a top that one beat ago was there and is still not here was lost."""
        state = self.state
        if state is not None and self._reader is None:
            behind = any(own < seen for own, seen in zip(_tops(state), self._top_seen, strict=True))
            if behind or beat.epoch != state.epoch:
                counts.gaps["beat"] += 1
                logger.warning("show %s: publications were lost, reading it again", self.id)
                self._read()
        self._top_seen = _tops(beat)
        if beat.viewers != self.viewers:
            self.viewers = beat.viewers
            self._encoded_state = None
            self.room.send(views.encode(messages.Viewers(show=self.id, viewers=beat.viewers)))

    def _take(self, publication: Publication) -> None:
        state = self.state
        if state is None:
            return
        match state.apply(publication):
            case Applied.GAP:
                counts.gaps["publication"] += 1
                self._early.append(publication)
                self._read()
            case Applied.DONE:
                self._encoded_state = None
                for event in publication.events:
                    self._send_event(event)
                for movement in publication.movements:
                    self._tell_holder(movement, publication.offset)
                self._stock.mark(publication.stock)
                self._note_deadlines(publication)
                self.show_out(found.viewer for found in publication.moderated)
            case Applied.STALE:
                pass

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

    def state_payloads(self) -> Payloads:
        """Return the whole state, encoded by each codec; made once however many join."""
        assert self.state is not None
        if self._encoded_state is None:
            self._encoded_state = views.encode_state(self.state, self.viewers)
        return self._encoded_state

    def _send_event(self, event: Event) -> None:
        payloads = views.encode(views.event_view(self.id, event))
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
        asker = self.asked.pop(movement.hold, None) if movement.kind is MovementKind.HELD else None
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

    # Reading -----------------------------------------------------------------------------------------------

    def _read(self) -> None:
        self._read_again = True
        counts.rereads += self.state is not None
        if self._reader is None:
            self._reader = asyncio.get_running_loop().create_task(self._read_until_whole())

    async def read_again(self, timeout_s: float) -> None:
        """Read the show again and wait for it, at most so long: the engine may be away."""
        self._read()
        if self._reader is not None:
            await asyncio.wait([self._reader], timeout=timeout_s)

    async def _read_until_whole(self) -> None:
        """Read, catch up, apply what came meanwhile; again when that was not enough."""
        tries = 0
        while self._read_again:
            self._read_again = False
            try:
                snapshot = await self._store.read(self.id)
                missed, closed = await self._missed(snapshot)
            except Fault as fault:
                if self.state is None:
                    self.fail(fault)
                    return
                if not isinstance(fault, EngineFault) and not tries:
                    logger.error("show %s cannot be read again: %s", self.id, fault)
                self._read_again = True
                await asyncio.sleep(_READ_AGAIN_S[min(tries, len(_READ_AGAIN_S) - 1)])
                tries += 1
                continue
            # From here to the loop's end nothing is awaited: the room sees one step from the old to the new.
            self._adopt(snapshot, missed, closed)
            early, self._early = self._early, []
            for publication in early:
                self._take(publication)
        self._reader = None

    async def _missed(self, snapshot: Snapshot) -> tuple[list[Event] | None, list[Hold]]:
        """Return the events between the state and the snapshot (None when that cannot be told), and the holds
        that were open in the state and are not any more."""
        state = self.state
        if state is None or snapshot.epoch != state.epoch or snapshot.seq < state.seq:
            return None, []
        missed: list[Event] = []
        since = state.seq
        while since < snapshot.seq:
            limit = min(_LOG_PAGE, snapshot.seq - since)
            page = await self._store.events(self.id, since, limit, snapshot.epoch)
            if not page or page[0].seq != since + 1:
                return None, []
            missed += page
            since = page[-1].seq
        still_open = {hold.id for hold in snapshot.holds}
        closed = []
        for hold_id in [hold for hold in state.holds if hold not in still_open]:
            hold = await self._store.hold(self.id, hold_id)
            if hold is not None:
                closed.append(hold)
        return missed, closed

    def _adopt(self, snapshot: Snapshot, missed: Sequence[Event] | None, closed: Sequence[Hold]) -> None:
        before, state = self.state, ShowState(snapshot)
        self.state = state
        self._encoded_state = None
        if before is None:
            self.room.position = (state.epoch, state.seq)
            self.ready.set_result(state)
        elif missed is None:
            logger.warning(
                "show %s: its history cannot be followed from %s/%d", self.id, before.epoch, before.seq
            )
            self.ring.clear()
            self._resync(state)
        else:
            for event in missed:
                self._send_event(event)
            self._tell_missed_holds(before, state, closed)
            self._stock.mark(
                StockLine(drop, sku, free)
                for drop, by_sku in state.stock.items()
                for sku, free in by_sku.items()
            )
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
        self.room.send(views.encode_resync(self.id, state, self.state_payloads()), (state.epoch, state.seq))

    def fail(self, fault: Fault) -> None:
        self._reader = None
        if not self.ready.done():
            self.ready.set_exception(fault)
            self.ready.exception()  # those who wait are told; nobody waiting is no mistake

    def close(self) -> None:
        """Stop timers and reading: nobody watches any more."""
        self._stock.stop()
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None


def _tops(known: ShowState | Beat) -> tuple[int, int, int]:
    return known.seq, known.offset, known.moderations


_MAKES_DEADLINE = (MovementKind.HELD, MovementKind.PAYING, MovementKind.RESUMED)
