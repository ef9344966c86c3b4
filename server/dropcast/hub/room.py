"""A room: the sockets that watch one show, and the fan-out loop that writes the same buffer to each of them.

The services hand in encoded payloads; nothing here knows what they say. `send` only queues: what gathers in
one turn of the event loop goes out as one buffer per codec, in slices with a few turns for others between them, so
that other work waits for a slice and not for a room. A socket is written exactly what was queued while it was a
member, in order.

A member that takes nothing for now is passed over. The room notes from which position on it is behind; whoever
hands in the messages knows what came after that, and makes it good by `catch_up`.
"""

import asyncio
import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Protocol

from dropcast.metrics import counts
from dropcast.wire.frames import message_frame

Payloads = tuple[bytes, bytes]
"""One message, encoded by each codec, in the order of wire.codec.CODECS."""

Position = tuple[str, int]
"""How far a room has come: epoch and seq. Opaque here."""

_TEXT = (True, False)
_NEVER = sys.maxsize
_TURNS_OF_REST = 4
"""Between two slices. What a viewer asks takes several turns, and each would wait for a slice otherwise; an idle turn
is short beside one."""
_NOBODY: dict["Member", None] = {}


class Member(Protocol):
    """What a room needs of a socket."""

    codec_index: int
    is_open: bool
    descriptor: int
    """Where a buffer of whole frames may be written at once, past `write`; -1 while it may not."""

    @property
    def write(self) -> Callable[[bytes], object]:
        """Writes a buffer of whole frames; gives something true when it was not taken, and is missed.

        May raise RuntimeError when the transport has just been closed.
        """

    @property
    def deliver(self) -> Callable[[bytes], object]:
        """Writes what is for this member alone, and is never missed. May raise as `write` does."""


class _Batch:
    """Frames for those who were members when they were queued."""

    __slots__ = ("_parts", "before", "began_s", "buffers", "leaves", "members", "position", "version")

    def __init__(
        self, members: list[Member], version: int, leaves: int, before: Position, began_s: float
    ) -> None:
        self.before = before
        self.began_s = began_s
        self.members = members
        self.version = version
        self.leaves = leaves
        self.position = 0
        self._parts: tuple[list[bytes], list[bytes]] = ([], [])
        self.buffers: Payloads = (b"", b"")

    def add(self, payloads: Payloads) -> None:
        for parts, payload, text in zip(self._parts, payloads, _TEXT, strict=True):
            parts.append(message_frame(payload, text))

    def __len__(self) -> int:
        return len(self._parts[0])

    def seal(self) -> None:
        """Make the two buffers; nothing can be added any more."""
        self.buffers = (b"".join(self._parts[0]), b"".join(self._parts[1]))


class Room:
    """Members, by viewer too, and the queue of what they are still to be written."""

    def __init__(self, *, slice_sockets: int) -> None:
        self._slice_sockets = slice_sockets
        self._members: dict[Member, int] = {}
        """When each member joined, or was caught up, as a version of the room."""
        self._viewers: dict[Member, str] = {}
        self._by_viewer: dict[str, dict[Member, None]] = {}
        self._behind: dict[Member, Position] = {}
        self._version = 0
        self._leaves = 0
        self.position: Position = ("", 0)
        """Where the last numbered message left the room, whether it has members or not."""
        self._queue: deque[_Batch] = deque()
        self._scheduled = False
        self.began_s = 0.0
        """When that arrived which is being sent, by time.perf_counter; 0: it is made here and now."""

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, member: Member) -> bool:
        return member in self._members

    @property
    def is_writing(self) -> bool:
        """Whether something is still to be written."""
        return bool(self._queue)

    def join(self, member: Member, viewer: str) -> None:
        """Add a member of `viewer` ("" for an anonymous one): it is written what is sent from now on."""
        self.leave(member)
        self._start_at_present(member)
        self._name(member, viewer)

    def leave(self, member: Member) -> None:
        """Remove a member, if it is one: it is written nothing more, not even what was queued."""
        if self._members.pop(member, None) is not None:
            self._leaves += 1
        self._behind.pop(member, None)
        self._name(member, "")

    def rename(self, member: Member, viewer: str) -> None:
        """A member is `viewer`'s from now on; no harm when it is none."""
        if member in self._members:
            self._name(member, viewer)

    def _name(self, member: Member, viewer: str) -> None:
        before = self._viewers.pop(member, "")
        if before:
            of_viewer = self._by_viewer[before]
            del of_viewer[member]
            if not of_viewer:
                del self._by_viewer[before]
        if viewer:
            self._viewers[member] = viewer
            self._by_viewer.setdefault(viewer, {})[member] = None

    def _start_at_present(self, member: Member) -> None:
        """What was queued by now is not for the member; what is sent from now on is, in a new batch."""
        self._version += 1
        self._members[member] = self._version

    def members_of(self, viewer: str, but: Member | None = None) -> Sequence[Member]:
        """Return the sockets of one viewer in this room, all of them `but` one."""
        of_viewer = self._by_viewer.get(viewer, _NOBODY)
        if not of_viewer or (len(of_viewer) == 1 and but in of_viewer):
            return ()
        return [member for member in of_viewer if member is not but]

    def send(self, payloads: Payloads, position: Position | None = None) -> None:
        """Queue one message for every present member. A numbered one has the `position` that it leads to."""
        before, self.position = self.position, position or self.position
        if not self._members:
            return
        batch = self._queue[-1] if self._queue else None
        # A batch that is being written, or that somebody joined after, takes nothing more.
        if batch is None or batch.position or batch.version != self._version:
            since_s = self.began_s or perf_counter()
            batch = _Batch(list(self._members), self._version, self._leaves, before, since_s)
            self._queue.append(batch)
        batch.add(payloads)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._write_slice)

    def write_to(self, member: Member, payloads: Payloads) -> None:
        """Write one message to one member now."""
        self._deliver(member, (payloads,))

    def behind(self, member: Member) -> Position | None:
        """Return the position since which a member has missed messages; None when it has missed none."""
        return self._behind.get(member)

    def catch_up(self, member: Member, missed: Sequence[Payloads], upto: Position | None = None) -> None:
        """Write to one member what it missed, up to a position; it is still behind then.

        Without `upto` that is the room's present position, and it is not behind any more.
        """
        if upto is not None:
            self._behind[member] = upto
        else:
            del self._behind[member]
            counts.catch_ups += 1
            self._start_at_present(member)
        self._deliver(member, missed)

    def _deliver(self, member: Member, messages: Sequence[Payloads]) -> None:
        index = member.codec_index
        try:
            member.deliver(b"".join(message_frame(payloads[index], _TEXT[index]) for payloads in messages))
        except RuntimeError:
            return  # closed a moment ago, see _write_slice

    def _write_slice(self) -> None:
        batch = self._queue[0]
        if batch.position == 0:
            batch.seal()
        buffers, version, joined = batch.buffers, batch.version, self._members
        stop = batch.position + self._slice_sockets
        missed = 0
        # In a large room all that is looked up of a member comes from far: it is left out when nobody came or went.
        is_same = version == self._version and batch.leaves == self._leaves
        for member in batch.members[batch.position : stop]:
            if not is_same and joined.get(member, _NEVER) > version:
                # It has left, or has joined after what is queued here.
                missed += 1
                continue
            buffer = buffers[member.codec_index]
            descriptor = member.descriptor
            if descriptor >= 0:
                # One call and no more: for a whole room, anything beside it is felt.
                try:
                    sent = os.write(descriptor, buffer)
                except BlockingIOError:
                    sent = 0
                except OSError:
                    # The peer has reset the connection; its connection_lost is on the way.
                    missed += 1
                    continue
                if sent == len(buffer):
                    continue
                buffer = buffer[sent:]
            missed += self._is_missed(member, buffer, batch.before)
        counts.deliveries += (min(stop, len(batch.members)) - batch.position - missed) * len(batch)
        batch.position = stop
        if stop >= len(batch.members):
            self._queue.popleft()
            counts.fanout_s.since(batch.began_s)
        if self._queue:
            self._rest(_TURNS_OF_REST)
        else:
            self._scheduled = False

    def _rest(self, turns: int) -> None:
        """Leave so many turns of the loop to others before the next slice."""
        loop = asyncio.get_running_loop()
        if turns:
            loop.call_soon(self._rest, turns - 1)
        else:
            loop.call_soon(self._write_slice)

    def _is_missed(self, member: Member, buffer: bytes, before: Position) -> bool:
        """Hand a buffer to a member, and return whether it was not taken: then it is behind from `before` on."""
        try:
            is_missed = bool(member.write(buffer))
        except RuntimeError:
            # uvloop raises on a transport that closed a moment ago; its connection_lost is on the way.
            return True
        if is_missed:
            self._behind.setdefault(member, before)
        return is_missed
