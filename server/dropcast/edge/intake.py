"""Bytes of a viewer in, whole messages out: frames, fragments, UTF-8, and how many of them there may be.

Frames are parsed by the sans-I/O core of `websockets`, which gives frames and not messages, and counts nothing.
No I/O here: what must be answered (pongs, close frames) waits in `data_to_send`.
"""

from collections.abc import Iterator

from websockets.frames import Frame, Opcode
from websockets.protocol import SERVER
from websockets.protocol import Protocol as FrameProtocol
from websockets.protocol import State as FrameState

from dropcast.edge.rates import Bucket, Pace
from dropcast.wire.codes import CLOSE_REASONS, Close

PIECE_BYTES = 4_096
"""The core parses all that it is given before it can be stopped: a flood of pings must come in small pieces."""


class Misuse(Exception):
    """The peer must be closed, with `code`."""

    def __init__(self, code: Close) -> None:
        super().__init__(code.name)
        self.code = code


class Intake:
    def __init__(self, *, text: bool, message_bytes_max: int, control: Bucket) -> None:
        """`control` counts what is no message: pings, pongs and fragments."""
        self.pongs = 0
        self._message = Opcode.TEXT if text else Opcode.BINARY
        self._control = control
        self._frames = FrameProtocol(SERVER, state=FrameState.OPEN, max_size=message_bytes_max)
        self._partial = bytearray()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come: the peer has said close and was answered, or broke the protocol."""
        return self._frames.close_rcvd is not None or self._frames.parser_exc is not None

    @property
    def broke(self) -> int:
        """The close code that a peer who broke the protocol was told; 0 for one who did not."""
        sent = self._frames.close_sent
        return sent.code if self._frames.parser_exc is not None and sent is not None else 0

    def feed(self, piece: bytes, now_s: float) -> Iterator[bytes]:
        """Take in PIECE_BYTES at most and yield the messages that are whole. Raises Misuse."""
        self._frames.receive_data(piece)
        for event in self._frames.events_received():
            assert isinstance(event, Frame)
            opcode = event.opcode
            if opcode is self._message:
                if event.fin:
                    yield self._checked(bytes(event.data))
                    continue
            elif opcode is Opcode.TEXT or opcode is Opcode.BINARY:
                raise Misuse(Close.UNSUPPORTED_DATA)
            elif opcode is Opcode.CLOSE:
                return
            if self._control.take(now_s) is not Pace.FINE:
                raise Misuse(Close.FLOOD)
            if opcode is Opcode.PONG:
                self.pongs += 1
            elif opcode is not Opcode.PING:
                self._partial += event.data
                if event.fin:
                    payload = bytes(self._partial)
                    self._partial.clear()
                    yield self._checked(payload)

    def close(self, code: Close) -> None:
        """Say close, unless that was said."""
        if self._frames.state is FrameState.OPEN:
            self._frames.send_close(code, CLOSE_REASONS[code])

    def data_to_send(self) -> bytes:
        return b"".join(self._frames.data_to_send())

    def _checked(self, payload: bytes) -> bytes:
        if self._message is Opcode.TEXT and not payload.isascii():
            try:
                payload.decode()
            except UnicodeDecodeError as error:
                raise Misuse(Close.INVALID_UTF8) from error
        return payload
