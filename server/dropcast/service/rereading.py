"""Reading a followed show: the first time, and again whenever publications may have been lost.

A live show says when it must be read, and gives what it hears meanwhile to `keep`; it gets back a snapshot to adopt,
with the events and holds that its room has missed. A publication that still does not fit after a read that began later
than it came is nothing that this engine's show has: another installation uses the same channel, or the engine has gone
back to an older history. It is dropped, and so is all that comes of its epoch. So each of them costs one read at most,
and reads are paced whatever comes.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from dropcast.domain.events import Event, Publication, Snapshot
from dropcast.domain.faults import EngineFault, Fault
from dropcast.domain.hold import Hold
from dropcast.domain.ports import ShowStore
from dropcast.domain.state import Applied, ShowState
from dropcast.hub.room import Payloads
from dropcast.metrics import counts
from dropcast.service import views
from dropcast.service.budget import ByteBudget
from dropcast.service.sharing import ReadGate

logger = logging.getLogger(__name__)

_AGAIN_S = (0.1, 0.2, 0.5, 1.0, 2.0)
_READS_PER_S = 2.0
_READS_BURST_S = 4.0
_LOG_PAGE = 100
_MISSED_EVENTS_MAX = 1_000
_KEPT_MAX = 4_096
_FOREIGN_MAX = 64


class Missed(NamedTuple):
    """What a room missed between its state and a snapshot."""

    events: list[tuple[Event, Payloads]] | None
    """None when that cannot be told, or is more than the whole state is worth."""
    closed: Sequence[Hold]
    """Holds of viewers in the room that were open and are not any more."""


class Followed(Protocol):
    """What is read: a live show."""

    id: str
    state: ShowState | None

    def adopt(self, snapshot: Snapshot, missed: Missed) -> None:
        """Take the step from the state, if there is one, to the snapshot."""

    def take(self, publication: Publication) -> Applied: ...

    def has_viewer(self, viewer: str) -> bool:
        """Whether a socket of that viewer is in the room."""

    def fail(self, fault: Fault) -> None:
        """The show could not be read the first time."""


class Rereading:
    def __init__(self, show: Followed, store: ShowStore, gate: ReadGate, missed_bytes_max: int) -> None:
        """`gate` is passed by the first read only: what is followed already must not wait for what is not."""
        self._show = show
        self._store = store
        self._gate = gate
        self._missed_bytes_max = missed_bytes_max
        self._before: list[Publication] = []
        """What came before the read under way began, and did not fit or was not tried."""
        self._during: list[Publication] = []
        self._foreign: deque[str] = deque(maxlen=_FOREIGN_MAX)
        self._budget = ByteBudget(_READS_PER_S, _READS_BURST_S, asyncio.get_running_loop().time())
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._is_cancelled = False
        self.is_reading = False
        """Whether what is heard must be kept: a snapshot is on its way."""

    def read(self) -> None:
        """Read the show, once more when a read is under way."""
        if self._is_cancelled:
            return
        self._again = True
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._read_until_whole())

    def read_if_idle(self) -> None:
        """Read the show unless it is being read."""
        if self._task is None:
            self.read()

    def keep(self, publication: Publication) -> None:
        """A publication came while a snapshot was on its way."""
        self._during.append(publication)
        if len(self._during) > _KEPT_MAX:
            # The next snapshot has them all.
            self._during.clear()
            self._again = True

    def on_gap(self, publication: Publication) -> None:
        """A publication does not fit the state: something before it is missing, or it is not this engine's."""
        if publication.epoch in self._foreign:
            return
        counts.gaps["publication"] += 1
        self.keep(publication)
        self.read_if_idle()

    def cancel(self) -> None:
        """Read nothing any more: what was asked before, such as a beat, may still be answered."""
        self._is_cancelled = True
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self.is_reading = False

    async def _read_until_whole(self) -> None:
        """Read, catch up, apply what came meanwhile; again when that was not enough."""
        failures = 0
        while self._again:
            await asyncio.sleep(self._budget.wait_s(asyncio.get_running_loop().time()))
            self._budget.spend(1)
            self._again = False
            counts.rereads += self._show.state is not None
            self.is_reading = True
            self._before += self._during
            self._during = []
            try:
                snapshot = await self._snapshot()
                missed = await self._missed(snapshot)
            except Fault as fault:
                if self._show.state is None:
                    self._task = None
                    self.is_reading = False
                    self._show.fail(fault)
                    return
                if not failures and not isinstance(fault, EngineFault):
                    logger.error("show %s cannot be read again: %s", self._show.id, fault)
                self._again = True
                await asyncio.sleep(_AGAIN_S[min(failures, len(_AGAIN_S) - 1)])
                failures += 1
                continue
            # From here to the loop's end nothing is awaited: the room sees one step from the old to the new.
            self.is_reading = False
            self._show.adopt(snapshot, missed)
            self._apply_kept(snapshot.epoch)
        self._task = None

    def _apply_kept(self, epoch: str) -> None:
        """Apply what was kept. What does not fit causes another read, unless it has had one."""
        before, during = self._before, self._during
        self._before, self._during = [], []
        if epoch in self._foreign:
            self._foreign.remove(epoch)
        for publication in before:
            if self._show.take(publication) is Applied.GAP and publication.epoch not in (
                epoch,
                *self._foreign,
            ):
                self._foreign.append(publication.epoch)
                logger.warning(
                    "show %s: what comes of epoch %s is not this engine's, and is ignored: does another "
                    "installation use the same engine?",
                    self._show.id,
                    publication.epoch,
                )
        for publication in during:
            if publication.epoch in self._foreign:
                continue
            if self._show.take(publication) is Applied.GAP:
                self._during.append(publication)
                self._again = True

    async def _snapshot(self) -> Snapshot:
        if self._show.state is not None:
            return await self._store.read(self._show.id)
        async with self._gate.turn() as turn:
            return await turn.ask(self._store.read(self._show.id))

    async def _missed(self, snapshot: Snapshot) -> Missed:
        """Return what the room missed between the state and the snapshot."""
        state = self._show.state
        if state is None or snapshot.epoch != state.epoch or snapshot.seq < state.seq:
            return Missed(None, ())
        events = await self._missed_events(state.seq, snapshot)
        if events is None:
            return Missed(None, ())
        still_open = {hold.id for hold in snapshot.holds}
        ended = [
            hold.id
            for hold in state.holds.values()
            if hold.id not in still_open and self._show.has_viewer(hold.viewer)
        ]
        return Missed(events, await self._store.holds(self._show.id, ended) if ended else ())

    async def _missed_events(self, since: int, snapshot: Snapshot) -> list[tuple[Event, Payloads]] | None:
        if snapshot.seq - since > _MISSED_EVENTS_MAX:
            return None
        missed: list[tuple[Event, Payloads]] = []
        size = 0
        while since < snapshot.seq:
            limit = min(_LOG_PAGE, snapshot.seq - since)
            page = await self._store.events(self._show.id, since, limit, snapshot.epoch)
            if not page or page[0].seq != since + 1:
                return None
            for event in page:
                payloads = views.encode(views.event_view(self._show.id, event))
                missed.append((event, payloads))
                size += len(payloads[0])
            if size > self._missed_bytes_max:
                return None
            since = page[-1].seq
        return missed
