"""All HTTP connections of a worker: how many there are, which gives way to a newcomer, and what waits to be read.

Each connection (connection.py) tells what it does: it rests, its request is coming, or its answer waits for a client
that reads slowly.
"""

from collections.abc import Callable
from typing import Protocol

from dropcast.edge.descriptors import Descriptors
from dropcast.edge.fair_turns import FairTurns
from dropcast.metrics import counts
from dropcast.settings import Settings


class Member(Protocol):
    """A connection, as it is seen from here."""

    def give_way(self) -> None:
        """End at once, for a newcomer."""

    def cut_off(self) -> None:
        """End at once, and lose what was not sent."""

    def begin_drain(self) -> None:
        """The worker stops: end as soon as nothing is asked any more."""


class HttpConnections:
    def __init__(self, settings: Settings, descriptors: Descriptors, live: Callable[[], int]) -> None:
        """`live` tells how many live sockets there are."""
        self._live = live
        self._connections_max = settings.http_connections_max
        self._unread_bytes_max = settings.unread_answer_bytes_max
        self._descriptors = descriptors
        self._open: set[Member] = set()
        # Dictionaries for their order: the first is there for longest.
        self._ending: dict[Member, None] = {}
        self._resting: dict[Member, None] = {}
        self._receiving: dict[Member, None] = {}
        self._unread: dict[Member, int] = {}
        self._unread_bytes = 0
        self.turns = FairTurns()

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, member: Member, descriptor: int) -> bool:
        """Take in a connection, which rests. False: there is no room, not even by closing another one."""
        if len(self._open) >= self._connections_max:
            counts.limited["http_connections_max"] += 1
            if not self._make_room():
                return False
        connections = len(self._open) + self._live() + 1
        if self._descriptors.lacks(descriptor, connections) and not self._make_room():
            self._descriptors.count_failure()
            return False
        self._open.add(member)
        self._resting[member] = None
        return True

    def leave(self, member: Member) -> None:
        """It is gone, or it is a live socket now."""
        self._open.discard(member)
        for group in (self._resting, self._receiving, self._ending):
            group.pop(member, None)
        self.all_read(member)

    # What each one does ------------------------------------------------------------------------------------

    def rests(self, member: Member) -> None:
        """It has answered, and waits for the next request."""
        if member in self._open:
            self._receiving.pop(member, None)
            self._resting[member] = None

    def receives(self, member: Member) -> None:
        """The head of its request has come, and the body is coming."""
        self._resting.pop(member, None)
        if member in self._open:
            self._receiving[member] = None

    def works(self, member: Member) -> None:
        """Its request has come whole: it stays until that is answered."""
        self._resting.pop(member, None)
        self._receiving.pop(member, None)

    def ends(self, member: Member) -> None:
        """It has said its last word, and waits for the client to read it."""
        self.works(member)
        if member in self._open:
            self._ending[member] = None

    def waits_to_be_read(self, member: Member, size: int) -> None:
        """So many bytes of its answer wait for the client. Beyond the limit the one that waits for longest ends."""
        if member not in self._open:
            return
        self.all_read(member)
        self._unread[member] = size
        self._unread_bytes += size
        while self._unread_bytes > self._unread_bytes_max and len(self._unread) > 1:
            counts.limited["unread_answer_bytes_max"] += 1
            first = next(iter(self._unread))
            self.all_read(first)
            first.cut_off()

    def all_read(self, member: Member) -> None:
        self._unread_bytes -= self._unread.pop(member, 0)

    # Ends --------------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """The worker stops: whoever rests is sent away, the others when they are answered."""
        for member in list(self._open):
            member.begin_drain()

    def _make_room(self) -> bool:
        """Close the connection that is idle for longest; False when none is idle."""
        for idle in (self._ending, self._resting, self._receiving, self._unread):
            member = next(iter(idle), None)
            if member is not None:
                self.leave(member)
                member.give_way()
                return True
        return False
