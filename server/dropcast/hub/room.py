"""A room: the sockets that watch one show, and the fan-out loop that writes the same buffer to each of them.

The services hand in encoded payloads; nothing here knows what they say. `send` only queues: what gathers in
one turn of the event loop goes out as one buffer per codec, in slices, so that other work waits for a slice
and not for a room. A socket is written exactly what was queued while it was a member, in order.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from typing import Protocol

from dropcast.wire.frames import message_frame

Payloads = tuple[bytes, bytes]
"""One message, encoded by each codec, in the order of wire.codec.CODECS."""

_TEXT = (True, False)
_NEVER = sys.maxsize


class Member(Protocol):
    """What a room needs of a socket."""

    codec_index: int
    is_open: bool

    @property
    def write(self) -> Callable[[bytes], object]:
        """Writes a buffer of whole frames. May raise RuntimeError when the transport has just been closed."""


class _Batch:
    """Frames for those who were members when they were queued."""

    __slots__ = ("_parts", "buffers", "members", "position", "version")

    def __init__(self, members: list[Member], version: int) -> None:
        self.members = members
        self.version = version
        self.position = 0
        self._parts: tuple[list[bytes], list[bytes]] = ([], [])
        self.buffers: Payloads = (b"", b"")

    def add(self, payloads: Payloads) -> None:
        for parts, payload, text in zip(self._parts, payloads, _TEXT, strict=True):
            parts.append(message_frame(payload, text))

    def seal(self) -> None:
        """Make the two buffers; nothing can be added any more."""
        self.buffers = (b"".join(self._parts[0]), b"".join(self._parts[1]))


class Room:
    """Members, by viewer too, and the queue of what they are still to be written."""

    def __init__(self, *, slice_sockets: int) -> None:
        self._slice_sockets = slice_sockets
        self._members: dict[Member, int] = {}
        """When each member joined, as a version of the room."""
        self._viewers: dict[Member, str] = {}
        self._by_viewer: dict[str, dict[Member, None]] = {}
        self._version = 0
        self._queue: deque[_Batch] = deque()
        self._scheduled = False

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
        self._version += 1
        self._members[member] = self._version
        if viewer:
            self._viewers[member] = viewer
            self._by_viewer.setdefault(viewer, {})[member] = None

    def leave(self, member: Member) -> None:
        """Remove a member, if it is one: it is written nothing more, not even what was queued."""
        self._members.pop(member, None)
        viewer = self._viewers.pop(member, None)
        if viewer is not None:
            of_viewer = self._by_viewer[viewer]
            del of_viewer[member]
            if not of_viewer:
                del self._by_viewer[viewer]

    def members_of(self, viewer: str) -> list[Member]:
        """Return the sockets of one viewer in this room."""
        return list(self._by_viewer.get(viewer, ()))

    def send(self, payloads: Payloads) -> None:
        """Queue one message for every present member."""
        if not self._members:
            return
        batch = self._queue[-1] if self._queue else None
        # A batch that is being written, or that somebody joined after, takes nothing more.
        if batch is None or batch.position or batch.version != self._version:
            batch = _Batch(list(self._members), self._version)
            self._queue.append(batch)
        batch.add(payloads)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._write_slice)

    def write_to(self, member: Member, payloads: Payloads) -> None:
        """Write one message to one member now."""
        index = member.codec_index
        try:
            member.write(message_frame(payloads[index], _TEXT[index]))
        except RuntimeError:
            return  # closed a moment ago, see _write_slice

    def _write_slice(self) -> None:
        batch = self._queue[0]
        if batch.position == 0:
            batch.seal()
        buffers, version, joined = batch.buffers, batch.version, self._members
        stop = batch.position + self._slice_sockets
        for member in batch.members[batch.position : stop]:
            # One that left and came back meanwhile has joined after what is queued here.
            if joined.get(member, _NEVER) <= version:
                try:
                    member.write(buffers[member.codec_index])
                except RuntimeError:
                    # uvloop raises on a transport that closed a moment ago; its connection_lost is on the way.
                    continue
        batch.position = stop
        if stop >= len(batch.members):
            self._queue.popleft()
        if self._queue:
            asyncio.get_running_loop().call_soon(self._write_slice)
        else:
            self._scheduled = False
