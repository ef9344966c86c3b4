"""One show that is watched: where the consumer is in its history, its state, and the watch under way. Pure.

Everything that is handed on passes here. A numbered event is handed on when it is the next one; one that was
seen before is dropped; one that is too far ahead means that some were lost, and the show is watched again
from the last one seen. A new state replaces all of it.
"""

from collections.abc import Callable

import msgspec

from dropcast_client.clock import NEVER
from dropcast_client.codec import BadMessage
from dropcast_client.commands import Since
from dropcast_client.events import Event, Recovered, Resynced, Unknown
from dropcast_client.holds import Holds
from dropcast_client.messages import Message, Numbered, Resync, Stock, Watching
from dropcast_client.parts import State
from dropcast_client.show_state import ShowState


class Follow:
    def __init__(self, show: str, holds: Holds) -> None:
        self.show = show
        self.holds = holds
        self.state: ShowState | None = None
        self.watch_id: int | None = None
        """The id of the watch that was said on the socket of now and has no answer yet."""
        self.answer_by_s = NEVER
        self.retry_at_s = NEVER
        self.retries = 0
        self.lost_track = False
        """Whether `since` cannot be trusted to close the gap: ask for the whole state."""

    def asked(self, watch_id: int, answer_by_s: float) -> Since | None:
        """A watch is said. Return its `since`."""
        self.watch_id = watch_id
        self.answer_by_s = answer_by_s
        self.retry_at_s = NEVER
        if self.state is None or self.lost_track:
            return None
        return Since(epoch=self.state.epoch, seq=self.state.seq)

    def answered(self) -> None:
        """The watch has its answer, or its socket was lost."""
        self.watch_id = None
        self.answer_by_s = NEVER

    def take(self, event: Numbered | Unknown) -> bool:
        """Take in a numbered event. Return whether it is the next one; only then it is handed on."""
        state = self.state
        if state is None or event.seq != state.seq + 1:
            return False
        if isinstance(event, Unknown):
            state.seq = event.seq
        else:
            state.apply(event)
        return True

    def is_gap(self, seq: int) -> bool:
        """Whether events before `seq` are missing that no watch under way will bring."""
        return self.state is not None and self.watch_id is None and seq > self.state.seq + 1

    def take_stock(self, stock: Stock) -> Stock | None:
        """Take in units left. Return what of it is not stale."""
        if self.state is None:
            return None
        fresh = self.state.apply_stock(stock.units, stock.offset)
        if fresh == stock.units:
            return stock
        return Stock(show=stock.show, offset=stock.offset, units=fresh) if fresh else None

    def watching(self, reply: Watching, decode: Callable[[msgspec.Raw], Message | Unknown]) -> list[Event]:
        """Take in the answer to a watch. Return what is handed on. Raises BadMessage.

        When the answer does not lead to where it says, `lost_track` is set: watch again.
        """
        self.retries = 0
        if not reply.recovered:
            if reply.state is None:
                raise BadMessage("watching with neither `recovered` nor `state`")
            if reply.holds is not None:
                if self.state is not None and self.state.epoch != reply.epoch:
                    self.holds.forget_offsets()
                self.holds.replace(reply.holds, reply.holds_at)
            return [self._restart(reply.epoch, reply.seq, reply.state)]
        if self.state is None or self.state.epoch != reply.epoch:
            self.lost_track = True
            return []
        events = self._missed(reply, decode)
        if self.state.seq < reply.seq:
            self.lost_track = True
            return events
        return events + self._caught_up(self.state, reply, len(events))

    def resync(self, message: Resync) -> list[Event]:
        """History was replaced. Return what is handed on."""
        self.holds.forget_offsets()
        return [self._restart(message.epoch, message.seq, message.state)]

    def snapshot(self) -> Resynced | None:
        """Return the present state as the first event of one more consumer."""
        state = self.state
        if state is None:
            return None
        return self._resynced(state.epoch, state.seq, state.view(), first=True)

    def _restart(self, epoch: str, seq: int, state: State) -> Resynced:
        first = self.state is None
        self.state = ShowState(epoch, seq, state)
        self.lost_track = False
        return self._resynced(epoch, seq, state, first)

    def _resynced(self, epoch: str, seq: int, state: State, first: bool) -> Resynced:
        return Resynced(
            show=self.show, epoch=epoch, seq=seq, state=state, holds=self.holds.open(), first=first
        )

    def _missed(self, reply: Watching, decode: Callable[[msgspec.Raw], Message | Unknown]) -> list[Event]:
        events: list[Event] = []
        for raw in reply.events or ():
            event = decode(raw)
            if isinstance(event, Numbered | Unknown) and self.take(event):
                events.append(event)
        return events

    def _caught_up(self, state: ShowState, reply: Watching, missed: int) -> list[Event]:
        events: list[Event] = []
        if reply.stock:
            fresh = state.apply_stock(reply.stock, reply.holds_at)
            if fresh:
                events.append(Stock(show=self.show, offset=reply.holds_at, units=fresh))
        if reply.holds is not None:
            self.holds.replace(reply.holds, reply.holds_at)
        back = Recovered(
            show=self.show, epoch=state.epoch, seq=state.seq, missed=missed, holds=self.holds.open()
        )
        return [*events, back]
