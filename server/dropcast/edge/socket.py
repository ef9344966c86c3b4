"""A viewer's socket: bytes to frames to commands, and frames out. It is the member of every room it watches.

Frames are parsed by the sans-I/O core of `websockets`; messages, fragments, UTF-8 and the deadlines of hello and
of closing are ours. `write` is the transport's own method while all is well, so that fan-out costs one call; it
is another one while the transport is choked or closed.
"""

import asyncio
import logging
from collections.abc import Callable

from websockets.frames import Frame, Opcode
from websockets.protocol import SERVER
from websockets.protocol import Protocol as FrameProtocol
from websockets.protocol import State as FrameState

from dropcast.domain.viewer import ANONYMOUS, Viewer
from dropcast.edge import replies
from dropcast.edge.session import State
from dropcast.settings import Settings
from dropcast.wire.codec import Codec, DecodeFault
from dropcast.wire.codes import CLOSE_REASONS, Close
from dropcast.wire.commands import Command
from dropcast.wire.frames import message_frame
from dropcast.wire.messages import Message

logger = logging.getLogger(__name__)

_CLOSE_DEADLINE_S = 2.0
_BAD_MESSAGES_MAX = 16
_FRAGMENTS_MAX = 64


def _discard(buffer: bytes) -> None:
    """What a closed socket does with what is written to it."""


class LiveSocket(asyncio.Protocol):
    def __init__(
        self,
        transport: asyncio.Transport,
        codec: Codec,
        settings: Settings,
        *,
        on_command: Callable[["LiveSocket", Command], None],
        on_lost: Callable[["LiveSocket"], None],
    ) -> None:
        self.transport = transport
        self.codec = codec
        self.codec_index = codec.index
        self.state = State.NEW
        self.is_open = True
        self.viewer: Viewer = ANONYMOUS
        self.shows: set[str] = set()
        """The shows that it watches."""
        self.write: Callable[[bytes], object] = transport.write
        self._on_command = on_command
        self._on_lost = on_lost
        self._outbox_bytes_max = settings.outbox_bytes_max
        self._frames = FrameProtocol(SERVER, state=FrameState.OPEN, max_size=settings.message_bytes_max)
        self._fragments: list[bytes] = []
        self._bad_messages = 0
        self._timer = asyncio.get_running_loop().call_later(
            settings.hello_deadline_ms / 1000, self.close, Close.HELLO_TIMEOUT
        )

    # Out ---------------------------------------------------------------------------------------------------

    def send(self, message: Message) -> None:
        """Write one message to this socket alone."""
        try:
            self.write(message_frame(self.codec.encode(message), self.codec.text))
        except RuntimeError:
            return  # uvloop raises on a transport that closed a moment ago

    def close(self, code: Close) -> None:
        """Say why, and close: at once when the peer answers, after a deadline otherwise."""
        if self.state is State.CLOSED:
            return
        self._end()
        self._frames.send_close(code, CLOSE_REASONS[code])
        self._flush()
        self._timer = asyncio.get_running_loop().call_later(_CLOSE_DEADLINE_S, self.transport.abort)

    def opened(self, viewer: Viewer) -> None:
        """Hello was said and accepted."""
        self._timer.cancel()
        self.state = State.OPEN
        self.viewer = viewer

    def _end(self) -> None:
        self.state = State.CLOSED
        self.is_open = False
        self.write = _discard
        self._timer.cancel()
        self._on_lost(self)

    def _flush(self) -> None:
        """Write what the frame protocol has to say by itself: pongs and close frames."""
        for data in self._frames.data_to_send():
            if data:
                self.transport.write(data)

    # In ----------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._frames.receive_data(data)
        for event in self._frames.events_received():
            if isinstance(event, Frame) and self.state is not State.CLOSED:
                self._frame(event)
        if not self.transport.is_closing():
            self._flush()
        if self._frames.parser_exc is not None or self._frames.close_rcvd is not None:
            self._close_now()

    def _frame(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            if (frame.opcode is Opcode.TEXT) is not self.codec.text:
                self.close(Close.UNSUPPORTED_DATA)
            elif frame.fin:
                self._message(bytes(frame.data))
            else:
                self._fragments = [bytes(frame.data)]
        elif frame.opcode is Opcode.CONT:
            self._fragments.append(bytes(frame.data))
            if len(self._fragments) > _FRAGMENTS_MAX:
                self.close(Close.PROTOCOL_ERROR)
            elif frame.fin:
                payload = b"".join(self._fragments)
                self._fragments = []
                self._message(payload)

    def _message(self, payload: bytes) -> None:
        try:
            command = self.codec.decode(payload)
        except DecodeFault as fault:
            self._bad_message(payload, fault)
            return
        self._on_command(self, command)

    def _bad_message(self, payload: bytes, fault: DecodeFault) -> None:
        if self.codec.text and not _is_utf8(payload):
            self.close(Close.INVALID_UTF8)
            return
        self._bad_messages += 1
        self.send(replies.error(fault.re, fault.code, fault.message))
        if self._bad_messages >= _BAD_MESSAGES_MAX:
            self.close(Close.BAD_MESSAGE)

    # The transport -----------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """The kernel takes no more for now: watch how much waits."""
        if self.is_open:
            self.write = self._write_choked

    def resume_writing(self) -> None:
        if self.is_open:
            self.write = self.transport.write

    def _write_choked(self, buffer: bytes) -> None:
        if self.transport.get_write_buffer_size() + len(buffer) > self._outbox_bytes_max:
            # A close frame would only wait behind what is stuck.
            self._end()
            self.transport.abort()
            return
        self.transport.write(buffer)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self.state is not State.CLOSED:
            self._end()
        self._timer.cancel()

    def _close_now(self) -> None:
        """The closing handshake is done, or the peer broke the protocol and was told so."""
        if self.state is not State.CLOSED:
            self._end()
        self._timer.cancel()
        self.transport.close()


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
