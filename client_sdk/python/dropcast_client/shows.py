"""The shows of a session: says watch and leave, and brings each message about a show to its `Follow`."""

from collections.abc import Callable
from typing import Any

from dropcast_client.actions import End, Hand
from dropcast_client.backoff import Backoff
from dropcast_client.clock import NEVER
from dropcast_client.codes import ERRORS
from dropcast_client.commands import Leave, Watch
from dropcast_client.errors import CallError, Disconnected, fault_of
from dropcast_client.events import Event, Unknown
from dropcast_client.follow import Follow
from dropcast_client.holds import Holds
from dropcast_client.messages import Banned, Numbered, Personal, Reply, Resync, Stock, Viewers, Watching
from dropcast_client.outbox import Outbox

WATCH_S = 15.0
"""How long a watch may go without an answer before the socket counts as lost."""


class Shows:
    def __init__(self, outbox: Outbox, backoff: Backoff) -> None:
        self._outbox = outbox
        self._backoff = backoff
        self._follows: dict[str, Follow] = {}
        self._holds: dict[str, Holds] = {}
        self._watches: dict[int, Follow] = {}
        self._connected = False
        self.handlers: dict[type, Callable[[Any, float], None]] = {
            **dict.fromkeys(Numbered.__args__, self._on_numbered),
            **dict.fromkeys(Personal.__args__, self._on_personal),
            Stock: self._on_stock,
            Viewers: self._on_viewers,
            Resync: self._on_resync,
        }
        """What is done with each type of message about a show."""

    @property
    def wake_at_s(self) -> float:
        follows = self._follows.values()
        return min((min(follow.answer_by_s, follow.retry_at_s) for follow in follows), default=NEVER)

    def holds(self, show: str) -> Holds:
        return self._holds.setdefault(show, Holds())

    def get(self, show: str) -> Follow | None:
        return self._follows.get(show)

    def is_joining(self, show: str) -> bool:
        """Whether the watch of a show is under way."""
        follow = self._follows.get(show)
        return follow is not None and follow.watch_id is not None

    # What the session tells ------------------------------------------------------------------------------

    def watch(self, show: str, now_s: float) -> Follow:
        follow = self._follows.get(show)
        if follow is None:
            follow = self._follows[show] = Follow(show, self.holds(show))
            if self._connected:
                self._watch(follow, now_s)
        return follow

    def leave(self, show: str) -> None:
        follow = self._follows.pop(show, None)
        if follow is not None and self._connected:
            self._watches.pop(follow.watch_id or 0, None)
            self._outbox.send(Leave(id=self._outbox.next_id(), show=show))

    def banned(self, message: Banned) -> None:
        """The server took this viewer out of a show: it ends."""
        follow = self._follows.pop(message.show, None)
        if follow is not None:
            self._watches.pop(follow.watch_id or 0, None)
            self._outbox.add(End(follow.show, CallError("banned", ERRORS["banned"].meaning, False)))

    def welcomed(self, now_s: float) -> None:
        self._connected = True
        for follow in self._follows.values():
            self._watch(follow, now_s)

    def socket_lost(self) -> None:
        self._connected = False
        self._watches.clear()
        for follow in self._follows.values():
            follow.answered()
            follow.retry_at_s = NEVER

    def end(self, error: Disconnected | None) -> None:
        """Nothing more will come, for any show."""
        for show in self._follows:
            self._outbox.add(End(show, error))
        self._follows.clear()

    def tick(self, now_s: float) -> bool:
        """Say the watches that are due again. Return False when one went unanswered for too long."""
        for follow in self._follows.values():
            if now_s >= follow.answer_by_s:
                return False
            if now_s >= follow.retry_at_s:
                self._watch(follow, now_s)
        return True

    def answer(self, reply: Reply | Unknown, now_s: float) -> bool:
        """Take in the reply to a watch. Return False when it is none. Raises BadMessage."""
        follow = self._watches.pop(reply.re or 0, None)
        if follow is None:
            return False
        follow.answered()
        if isinstance(reply, Watching):
            self._hand(follow, follow.watching(reply, self._outbox.codec.decode))
            if follow.lost_track:
                self._watch(follow, now_s)
            return True
        fault = fault_of(reply)
        if fault.temporary:
            follow.retry_at_s = now_s + self._backoff.delay_s(follow.retries)
            follow.retries += 1
        else:
            del self._follows[follow.show]
            self._outbox.add(End(follow.show, fault))
        return True

    def unknown(self, message: Unknown, now_s: float) -> None:
        """Take in a message of an unknown type: when it is numbered, its number counts like any other."""
        if message.seq:
            self._on_numbered(message, now_s)
        elif (follow := self._follows.get(message.show)) is not None and follow.state is not None:
            self._outbox.add(Hand(follow.show, message))

    # Messages about a show -------------------------------------------------------------------------------

    def _on_numbered(self, event: Numbered | Unknown, now_s: float) -> None:
        follow = self._follows.get(event.show)
        if follow is None:
            return
        if follow.take(event):
            self._outbox.add(Hand(follow.show, event))
        elif follow.is_gap(event.seq):
            self._watch(follow, now_s)

    def _on_stock(self, stock: Stock, now_s: float) -> None:
        follow = self._follows.get(stock.show)
        if follow is not None and (fresh := follow.take_stock(stock)) is not None:
            self._outbox.add(Hand(follow.show, fresh))

    def _on_viewers(self, viewers: Viewers, now_s: float) -> None:
        follow = self._follows.get(viewers.show)
        if follow is not None and follow.state is not None:
            follow.state.viewers = viewers.viewers
            self._outbox.add(Hand(follow.show, viewers))

    def _on_personal(self, event: Personal, now_s: float) -> None:
        is_news = self.holds(event.show).learn(event.hold, event.offset)
        follow = self._follows.get(event.show)
        if is_news and follow is not None and follow.state is not None:
            self._outbox.add(Hand(follow.show, event))

    def _on_resync(self, message: Resync, now_s: float) -> None:
        follow = self._follows.get(message.show)
        if follow is None:
            return
        self._hand(follow, follow.resync(message))
        if follow.holds.open() and follow.watch_id is None:
            self._watch(follow, now_s)  # the message says nothing of the viewer's holds

    def _watch(self, follow: Follow, now_s: float) -> None:
        number = self._outbox.next_id()
        since = follow.asked(number, now_s + WATCH_S)
        self._watches[number] = follow
        self._outbox.send(Watch(id=number, show=follow.show, since=since))

    def _hand(self, follow: Follow, events: list[Event]) -> None:
        for event in events:
            self._outbox.add(Hand(follow.show, event))
