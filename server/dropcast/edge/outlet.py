"""A socket's ways out: `descriptor`, `write` and `deliver` are what a room needs of its member.

While all is well a room writes to the `descriptor`, so that fan-out costs one system call; the transport keeps nothing
then. What the kernel does not take goes to the transport, which says at once that it is choked. While it is, `write`
keeps nothing and says so: the room notes what the socket missed, and it is caught up when it drains. What is for this
socket alone goes by `deliver` and waits for it, within bounds. Replies of one turn of the loop leave as one buffer;
until they have, nothing overtakes them.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from dropcast.metrics import counts


class Outlet(asyncio.Protocol, ABC):
    # One for each viewer: what it weighs is what a room weighs.
    __slots__ = (
        "_choked",
        "_choked_at_s",
        "_descriptor",
        "_frames",
        "_is_behind",
        "_loop",
        "_outbox_bytes_max",
        "_write",
        "deliver",
        "descriptor",
        "is_open",
        "transport",
        "write",
    )
    descriptor: int
    write: Callable[[bytes], object]
    deliver: Callable[[bytes], object]

    def __init__(self, transport: asyncio.Transport, outbox_bytes_max: int) -> None:
        self.transport = transport
        self.is_open = True
        self._outbox_bytes_max = outbox_bytes_max
        self._loop = asyncio.get_running_loop()
        self._choked = False
        self._choked_at_s = 0.0
        self._is_behind = False
        """Whether it has missed something that is not made good yet."""
        self._frames: list[bytes] | None = None
        """Frames that leave when the loop's turn ends."""
        # So that the transport's buffer is empty unless it is choked: what is written past it stays in order. It closes
        # its descriptor only after connection_lost.
        transport.set_write_buffer_limits(high=0)
        self._descriptor = _descriptor_of(transport)
        self._write: Callable[[bytes], object] = transport.write
        self._route()

    @abstractmethod
    def at_turns_end(self, act: Callable[[], None]) -> None:
        """Have `act` called once, when the loop has done with what is ready now."""

    @abstractmethod
    def on_drained(self) -> None:
        """The kernel takes bytes again: what was missed can be made good, then `unchoke`."""

    @abstractmethod
    def on_overflow(self) -> None:
        """More waits for it than may: it must be dropped."""

    def put(self, frame: bytes) -> None:
        """Write a frame to this socket alone, with others of this turn."""
        if self._frames is not None:
            self._frames.append(frame)
        elif self._choked or not self.is_open:
            self.deliver(frame)
        else:
            self._frames = [frame]
            self._route()
            self.at_turns_end(self.flush)

    def flush(self) -> None:
        """Write what has gathered."""
        if self._frames is None:
            return
        frames, self._frames = self._frames, None
        self._route()
        try:
            self.deliver(frames[0] if len(frames) == 1 else b"".join(frames))
        except RuntimeError:
            return  # uvloop raises on a transport that closed a moment ago

    def shut(self) -> None:
        """Write nothing any more."""
        counts.sockets_slow -= self._choked
        self._choked = False
        self.is_open = False
        self._frames = None
        self._route()

    # Choked ------------------------------------------------------------------------------------------------

    def is_choked(self) -> bool:
        """Whether the kernel takes no more for now."""
        return self._choked

    def choked_ms(self, now_s: float) -> float:
        """Return for how long it has been choked, 0 when it is not."""
        return (now_s - self._choked_at_s) * 1000 if self._choked else 0.0

    def unchoke(self) -> None:
        """Nothing is missing any more: take part in the fan-out again."""
        if self.is_open and not self._choked:
            self._is_behind = False
            self._route()

    def pause_writing(self) -> None:
        if self.is_open and not self._choked:
            self._choked = True
            self._choked_at_s = self._loop.time()
            counts.sockets_slow += 1
            self._is_behind = True
            self._route()

    def resume_writing(self) -> None:
        if self.is_open and self._choked:
            self._choked = False
            counts.sockets_slow -= 1
            self._route()
            # Not from within a write: the room may be writing to this very socket.
            self._loop.call_soon(self.on_drained)

    # Ways --------------------------------------------------------------------------------------------------

    def _route(self) -> None:
        """Set the ways out. Called whenever what they depend on has changed."""
        self.descriptor = -1
        if not self.is_open:
            self.write = self.deliver = _discard
        elif self._choked:
            self.write, self.deliver = _skip, self._deliver_choked
        elif self._frames is not None:
            self.write, self.deliver = _skip if self._is_behind else self._write_next, self._deliver_next
        elif self._is_behind:
            self.write, self.deliver = _skip, self._write
        else:
            self.write = self.deliver = self._write
            self.descriptor = self._descriptor

    def _write_next(self, buffer: bytes) -> object:
        self.flush()
        return self.write(buffer)

    def _deliver_next(self, buffer: bytes) -> object:
        self.flush()
        return self.deliver(buffer)

    def _deliver_choked(self, buffer: bytes) -> None:
        if self.transport.get_write_buffer_size() + len(buffer) > self._outbox_bytes_max:
            self.on_overflow()
        else:
            self.transport.write(buffer)


def _descriptor_of(transport: asyncio.Transport) -> int:
    """Return the descriptor beneath a transport; -1 when what is written to it must be encrypted first."""
    if transport.get_extra_info("ssl_object") is not None:
        return -1
    return int(transport.get_extra_info("socket").fileno())


def _discard(buffer: bytes) -> None:
    """What a closed socket does with what is written to it."""


def _skip(buffer: bytes) -> bool:
    """What a choked socket does with what a room writes: the room hears that it was missed."""
    return True
