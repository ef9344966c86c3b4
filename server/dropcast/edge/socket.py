"""A viewer's socket: messages to commands, and frames out. It is the member of every room it watches.

While all is well a room writes to its `descriptor`, so that fan-out costs one system call; the transport keeps nothing
then. What the kernel does not take goes to the transport, which says at once that it is choked. While it is, `write`
keeps nothing and says so: the room notes what the socket missed, and it is caught up when it drains. What is for this
socket alone goes by `deliver` and waits for it, within bounds. Replies of one turn of the loop leave as one buffer;
until they have, nothing overtakes them.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from dropcast.domain.viewer import ANONYMOUS, Viewer
from dropcast.edge import replies
from dropcast.edge.intake import PIECE_BYTES, Intake, Misuse
from dropcast.edge.pulse import Beat, Pulse
from dropcast.edge.rates import Bucket, Pace
from dropcast.edge.session import State
from dropcast.metrics import counts
from dropcast.settings import Settings
from dropcast.wire.codec import Codec, DecodeFault
from dropcast.wire.codes import Close
from dropcast.wire.commands import Command
from dropcast.wire.frames import message_frame, ping_frame
from dropcast.wire.messages import Error, Message

logger = logging.getLogger(__name__)

CLOSE_DEADLINE_S = 2.0
_BAD_MESSAGES_MAX = 16

_PING = ping_frame()


def _descriptor_of(transport: asyncio.Transport) -> int:
    """Return the descriptor beneath a transport; -1 when what is written to it must be encrypted first."""
    if transport.get_extra_info("ssl_object") is not None:
        return -1
    return int(transport.get_extra_info("socket").fileno())


def _discard(buffer: bytes) -> None:
    """What a closed socket does with what is written to it."""


class Owner(Protocol):
    """Who a socket tells what happens to it."""

    def on_command(self, socket: "LiveSocket", command: Command) -> None: ...

    def on_drained(self, socket: "LiveSocket") -> None:
        """The kernel takes bytes again: what was missed can be made good, then `unchoke`."""

    def on_ended(self, socket: "LiveSocket") -> None:
        """It is closed, or being closed: nothing can be written to it any more."""

    def on_gone(self, socket: "LiveSocket") -> None:
        """Its connection is no more."""

    def at_turns_end(self, act: Callable[[], None]) -> None:
        """Have `act` called once, when the loop has done with what is ready now."""


class LiveSocket(asyncio.Protocol):
    # One for each viewer: what it weighs is what a room weighs.
    __slots__ = (
        "_bad_messages",
        "_choked",
        "_choked_at_s",
        "_commands",
        "_descriptor",
        "_finish_with",
        "_frames",
        "_intake",
        "_is_behind",
        "_is_deaf",
        "_loop",
        "_owner",
        "_pending",
        "_pulse",
        "_settings",
        "_timer",
        "_write",
        "codec",
        "codec_index",
        "deliver",
        "descriptor",
        "identity",
        "is_open",
        "request",
        "shows",
        "state",
        "transport",
        "viewer",
        "write",
    )
    descriptor: int
    write: Callable[[bytes], object]
    deliver: Callable[[bytes], object]

    def __init__(self, transport: asyncio.Transport, codec: Codec, settings: Settings, owner: Owner) -> None:
        self.transport = transport
        self.codec = codec
        self.codec_index = codec.index
        self.state = State.NEW
        self.is_open = True
        self.viewer: Viewer = ANONYMOUS
        self.identity = ""
        """Whom hello named; the viewer is anonymous again when the token has expired."""
        self.request = ""
        """What the logs call it: the id of the request that became it."""
        self.shows: set[str] = set()
        """The shows that it watches."""
        self._choked = False
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
        self._owner = owner
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        now_s = self._loop.time()
        self._commands = Bucket(settings.anonymous_commands_per_s, settings.command_burst_s, now_s)
        self._intake = Intake(
            text=codec.text,
            message_bytes_max=settings.message_bytes_max,
            control=Bucket(settings.control_frames_per_s, settings.command_burst_s, now_s),
        )
        self._bad_messages = 0
        self._pending = 0
        self._finish_with: Close | None = None
        self._is_deaf = False
        self._choked_at_s = 0.0
        self._pulse = Pulse()
        counts.sockets_accepted += 1
        counts.connections[self.state.value] += 1
        hello_s = settings.hello_deadline_ms / 1000
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(
            hello_s, self.close, Close.HELLO_TIMEOUT
        )

    @property
    def ids(self) -> dict[str, str]:
        return {"request": self.request, "viewer": self.viewer.id}

    # Out ---------------------------------------------------------------------------------------------------

    def send(self, message: Message) -> None:
        """Write one message to this socket alone."""
        if type(message) is Error:
            counts.errors[message.code] += 1
        frame = message_frame(self.codec.encode(message), self.codec.text)
        if self._frames is not None:
            self._frames.append(frame)
        elif self._choked or not self.is_open:
            self.deliver(frame)
        else:
            self._frames = [frame]
            self._route()
            self._owner.at_turns_end(self.flush)

    def flush(self) -> None:
        """Write the replies that have gathered."""
        if self._frames is None:
            return
        frames, self._frames = self._frames, None
        self._route()
        try:
            self.deliver(frames[0] if len(frames) == 1 else b"".join(frames))
        except RuntimeError:
            return  # uvloop raises on a transport that closed a moment ago

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

    def close(self, code: Close) -> None:
        """Say why, and close: at once when the peer answers, after a deadline otherwise."""
        if self.state is State.CLOSED:
            return
        self.flush()
        self._end()
        counts.closes[str(int(code))] += 1
        self._intake.close(code)
        self._flush()
        self._timer = self._loop.call_later(CLOSE_DEADLINE_S, self.transport.abort)

    def finish(self, code: Close) -> None:
        """Close as soon as every command that was accepted is answered; accept none any more."""
        if self.state is State.CLOSED:
            return
        self._finish_with = code
        if not self._pending:
            self.close(code)

    def accepted(self) -> None:
        """A command was accepted that is answered later, by `answer`."""
        self._pending += 1

    def answer(self, message: Message | None) -> None:
        """Answer a command that was accepted; None when there is nobody to answer any more."""
        self._pending -= 1
        if message is not None:
            self.send(message)
        if self._finish_with is not None and not self._pending:
            self.close(self._finish_with)

    def become(self, viewer: Viewer, commands_per_s: int) -> None:
        """The socket is `viewer`'s from here on: by hello, by auth, or because a token has expired."""
        if self.state is State.NEW:
            self._stop_timer()
            counts.connections[self.state.value] -= 1
            self.state = State.OPEN
            counts.connections[self.state.value] += 1
            self.identity = viewer.id
        if viewer.role is not self.viewer.role:
            self._commands = Bucket(commands_per_s, self._settings.command_burst_s, self._loop.time())
        self.viewer = viewer

    def _end(self) -> None:
        counts.connections[self.state.value] -= 1
        counts.sockets_slow -= self._choked
        self._choked = False
        self.state = State.CLOSED
        self.is_open = False
        self._frames = None
        self._route()
        self._stop_timer()
        self._owner.on_ended(self)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _flush(self) -> None:
        """Write what the frame protocol has to say by itself: pongs and close frames."""
        data = self._intake.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)

    # In ----------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        payload = self._intake.whole(data)
        now_s = self._loop.time()
        if payload is not None:
            self._take(payload, now_s)
            return
        for start in range(0, len(data), PIECE_BYTES):
            if self._is_deaf:
                return
            self._take_piece(data[start : start + PIECE_BYTES], now_s)

    def _take(self, payload: bytes, now_s: float) -> None:
        if self.is_open and self._finish_with is None:
            self._message(payload, now_s)

    def _take_piece(self, piece: bytes, now_s: float) -> None:
        intake = self._intake
        try:
            if intake.pong(piece, now_s):
                return
            payloads = intake.several(piece)
            for payload in intake.feed(piece, now_s) if payloads is None else payloads:
                self._take(payload, now_s)
        except Misuse as misuse:
            self.close(misuse.code)
            self._linger()
            return
        self._flush()
        if intake.is_over:
            if intake.broke:
                counts.closes[str(intake.broke)] += 1
                self._linger()
            else:
                self._hang_up()

    def _message(self, payload: bytes, now_s: float) -> None:
        try:
            command = self.codec.decode(payload)
        except DecodeFault as fault:
            if self._may_speak(fault.re, now_s):
                self.send(replies.error(fault.re, fault.code, fault.message))
                self._bad_messages += fault.code == "bad_message"
                if self._bad_messages >= _BAD_MESSAGES_MAX:
                    self.close(Close.BAD_MESSAGE)
            return
        if self._may_speak(command.id, now_s):
            self._owner.on_command(self, command)

    def _may_speak(self, re: int | None, now_s: float) -> bool:
        pace = self._commands.take(now_s)
        if pace is Pace.FINE:
            return True
        if pace is Pace.FLOOD:
            self.close(Close.FLOOD)
            self._linger()
        else:
            self.send(replies.error(re, "rate_limited", "too many commands; slow down"))
        return False

    # Slow viewers ------------------------------------------------------------------------------------------

    def visit(self, now_s: float) -> bool:
        """Look after the socket, VISITS_PER_STALL times within `stall_ms`. Return whether it had to be dropped."""
        beat = self._pulse.visit(self._intake.pongs)
        if self._choked:
            stalled = (now_s - self._choked_at_s) * 1000 >= self._settings.stall_ms
            if stalled or beat is Beat.DEAD:
                self._evict()
        elif beat is Beat.DEAD:
            counts.sockets_evicted += 1
            self.close(Close.SLOW)
        elif beat is Beat.PING and not self.transport.is_closing():
            self.transport.write(_PING)
        return not self.is_open

    def is_choked(self) -> bool:
        """Whether the kernel takes no more for now."""
        return self._choked

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
            self._loop.call_soon(self._owner.on_drained, self)

    def _deliver_choked(self, buffer: bytes) -> None:
        if self.transport.get_write_buffer_size() + len(buffer) > self._settings.outbox_bytes_max:
            self._evict()
        else:
            self.transport.write(buffer)

    def _evict(self) -> None:
        """Drop it: a close frame would only wait behind what is stuck."""
        counts.sockets_evicted += 1
        logger.info("cut off: it reads too slowly", extra=self.ids)
        self._end()
        self.transport.abort()

    # The transport -----------------------------------------------------------------------------------------

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self.state is not State.CLOSED:
            self._end()
        self._stop_timer()
        self._owner.on_gone(self)

    def _hang_up(self) -> None:
        """The closing handshake is done."""
        if self.state is not State.CLOSED:
            self.flush()
            self._end()
        self._stop_timer()
        self.transport.close()

    def _linger(self) -> None:
        """Hear nothing more, and leave the peer time to read why: a close at once would be a reset, and lose it."""
        self._is_deaf = True
        if self.state is not State.CLOSED:
            self.flush()
            self._end()
            self._timer = self._loop.call_later(CLOSE_DEADLINE_S, self.transport.abort)
        if not self.transport.is_closing():
            self.transport.write_eof()


def _skip(buffer: bytes) -> bool:
    """What a choked socket does with what a room writes: the room hears that it was missed."""
    return True
