"""A viewer's socket: messages to commands, and replies out. It is the member of every room it watches (outlet.py)."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from dropcast.domain.viewer import ANONYMOUS, Viewer
from dropcast.edge import replies
from dropcast.edge.intake import PIECE_BYTES, Intake, Misuse
from dropcast.edge.outlet import Outlet
from dropcast.edge.pulse import Beat, Pulse
from dropcast.edge.rates import Bucket, Pace
from dropcast.edge.session import State
from dropcast.metrics import counts
from dropcast.service.budget import ByteBudget
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


class LiveSocket(Outlet):
    __slots__ = (
        "_bad_messages",
        "_commands",
        "_finish_with",
        "_intake",
        "_is_deaf",
        "_owner",
        "_pending",
        "_pulse",
        "_settings",
        "_timer",
        "codec",
        "codec_index",
        "identity",
        "refused_tokens",
        "request",
        "shows",
        "state",
        "viewer",
        "watch_budget",
    )

    def __init__(self, transport: asyncio.Transport, codec: Codec, settings: Settings, owner: Owner) -> None:
        super().__init__(transport, settings.outbox_bytes_max)
        self.codec = codec
        self.codec_index = codec.index
        self.state = State.NEW
        self.viewer: Viewer = ANONYMOUS
        self.identity = ""
        """Whom hello named; the viewer is anonymous again when the token has expired."""
        self.refused_tokens = 0
        """How often its auth was refused."""
        self.request = ""
        """What the logs call it: the id of the request that became it."""
        self.shows: set[str] = set()
        """The shows that it watches."""
        self.watch_budget: ByteBudget | None = None
        """What it may still be answered to watches; None until it was answered one."""
        self._owner = owner
        self._settings = settings
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
        self.put(message_frame(self.codec.encode(message), self.codec.text))

    def at_turns_end(self, act: Callable[[], None]) -> None:
        self._owner.at_turns_end(act)

    def close(self, code: Close) -> None:
        """Say why, and close: at once when the peer answers, after a deadline otherwise."""
        if not self._end():
            return
        counts.closes[str(int(code))] += 1
        self._intake.close(code)
        self._say_frames()
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

    def _end(self) -> bool:
        """Say what is left, then nothing more. Return False when that was so before, or has become so by it."""
        self.flush()
        if not self.is_open:
            return False
        self._drop_out()
        return True

    def _drop_out(self) -> None:
        """Take part in nothing any more."""
        counts.connections[self.state.value] -= 1
        self.state = State.CLOSED
        self.shut()
        self._stop_timer()
        self._owner.on_ended(self)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _say_frames(self) -> None:
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
        self._say_frames()
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
        if self.is_choked():
            if beat is Beat.DEAD or self.choked_ms(now_s) >= self._settings.stall_ms:
                self.on_overflow()
        elif beat is Beat.DEAD:
            counts.sockets_evicted += 1
            self.close(Close.SLOW)
        elif beat is Beat.PING and not self.transport.is_closing():
            self.transport.write(_PING)
        return not self.is_open

    def on_drained(self) -> None:
        self._owner.on_drained(self)

    def on_overflow(self) -> None:
        """Drop it: a close frame would only wait behind what is stuck."""
        counts.sockets_evicted += 1
        logger.info("cut off: it reads too slowly", extra=self.ids)
        self._drop_out()
        self.transport.abort()

    # The transport -----------------------------------------------------------------------------------------

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self.is_open:
            self._drop_out()
        self._stop_timer()
        self._intake.drop()
        self._owner.on_gone(self)

    def _hang_up(self) -> None:
        """The closing handshake is done."""
        self._end()
        self._stop_timer()
        self.transport.close()

    def _linger(self) -> None:
        """Hear nothing more, and leave the peer time to read why: a close at once would be a reset, and lose it."""
        self._is_deaf = True
        if self._end():
            self._timer = self._loop.call_later(CLOSE_DEADLINE_S, self.transport.abort)
        if not self.transport.is_closing():
            self.transport.write_eof()
