"""Catching up: what a member of a room missed while it took nothing is written to it when it takes bytes again.

A piece at a time, so that nobody's buffer has to hold all that a slow viewer missed: from the ring of encoded events,
from the event log where the ring begins too late, and by the whole state where the log cannot tell, or may not be read
any more for now.
"""

import logging
from collections.abc import Sequence
from enum import Enum

from dropcast.domain.faults import EngineFault
from dropcast.hub.room import Member, Payloads
from dropcast.service import views
from dropcast.service.event_log import EventLog
from dropcast.service.live_show import LiveShow
from dropcast.service.stage import Stage
from dropcast.wire import messages
from dropcast.wire.codec import CODECS

logger = logging.getLogger(__name__)

_PIECE_BYTES = 65_536


class Progress(Enum):
    DONE = "done"
    """Nothing is missing any more."""
    MORE = "more"
    """A piece was written, and more is to come."""
    LOG = "log"
    """The event log must be asked."""


class CatchingUp:
    def __init__(self, *, stage: Stage, log: EventLog, log_events_max: int) -> None:
        self._stage = stage
        self._log = log
        self._log_events_max = log_events_max

    def now(self, member: Member, show: str) -> Progress:
        """Write the next piece of what `member` has missed of `show`, if anything, from memory."""
        live = self._stage.loaded(show)
        behind = live.room.behind(member) if live is not None else None
        if live is None or live.state is None or behind is None:
            return Progress.DONE
        epoch, seq = behind
        if epoch != live.state.epoch or not 0 <= live.state.seq - seq <= self._log_events_max:
            return self._send_state(live, member)
        missed = live.ring.payloads_after(seq, live.state.seq)
        if missed is None:
            return Progress.LOG
        piece = _first_piece(missed)
        if len(piece) < len(missed):
            live.room.catch_up(member, piece, upto=(epoch, seq + len(piece)))
            return Progress.MORE
        stock = messages.Stock(show=live.id, offset=live.state.offset, units=live.state.stock)
        viewers = messages.Viewers(show=live.id, viewers=live.viewers)
        live.room.catch_up(member, [*missed, views.encode(stock), views.encode(viewers)])
        return Progress.DONE

    async def from_log(self, member: Member, show: str) -> None:
        """Write the next piece from the event log."""
        live = self._stage.loaded(show)
        behind = live.room.behind(member) if live is not None else None
        if live is None or behind is None:
            return
        epoch, seq = behind
        assert live.state is not None
        try:
            page = await self._log.page(live.id, epoch, seq, live.state.seq, member.codec_index)
        except EngineFault as fault:
            logger.warning("show %s: a slow viewer gets the whole state: %s", live.id, fault)
            page = None
        # It may have left meanwhile, or have come back.
        if live.state is None or live.room.behind(member) != behind:
            return
        if epoch != live.state.epoch or not page:
            self._send_state(live, member)
            return
        piece = _first_piece([views.for_one(event.value) for event in page])
        live.room.catch_up(member, piece, upto=(epoch, seq + len(piece)))

    def _send_state(self, live: LiveShow, member: Member) -> Progress:
        assert live.state is not None
        index = member.codec_index
        resync = views.resync(live.id, live.state, live.state_payload(index))
        live.room.catch_up(member, [views.for_one(CODECS[index].encode(resync))])
        return Progress.DONE


def _first_piece(missed: Sequence[Payloads]) -> Sequence[Payloads]:
    """Return as many of the first messages as make one piece, at least one of them."""
    size = 0
    for count, payloads in enumerate(missed):
        if size >= _PIECE_BYTES:
            return missed[:count]
        size += len(payloads[0])
    return missed
