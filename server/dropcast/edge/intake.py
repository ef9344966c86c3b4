"""Bytes of a viewer in, whole messages out: frames, fragments, UTF-8, and how many of them there may be.

Nearly all that comes is one whole frame, or a few, taken as they are (`whole`, `several`). For everything else there is
the sans-I/O core of `websockets`, which gives frames and not messages, and counts nothing; it is made when something
unusual comes and dropped when that is over. No I/O here: what must be answered (pongs, close frames) waits in
`data_to_send`.
"""

from collections.abc import Iterator

from websockets.frames import Frame, Opcode
from websockets.protocol import SERVER
from websockets.protocol import Protocol as FrameProtocol
from websockets.protocol import State as FrameState

try:
    from websockets.speedups import apply_mask
except ImportError:  # a wheel without C
    from websockets.utils import apply_mask

from dropcast.edge.rates import Bucket, Pace
from dropcast.wire.codes import CLOSE_REASONS, Close

PIECE_BYTES = 4_096
"""The core parses all that it is given before it can be stopped: a flood of pings must come in small pieces."""

_FIN = 0x80
_MASKED = 0x80
_SHORT_HEAD = 6
_SHORT_MAX = 125
"""Up to this size a payload's length stands in the second byte; the mask follows."""
_LONG_HEAD = 8
_LONG = _MASKED | 126
"""Two bytes of length follow the second byte."""
_LONG_MAX = 65_535
_PONG = _FIN | Opcode.PONG


class Misuse(Exception):
    """The peer must be closed, with `code`."""

    def __init__(self, code: Close) -> None:
        super().__init__(code.name)
        self.code = code


class Intake:
    __slots__ = (
        "_control",
        "_frames",
        "_head",
        "_in_fragments",
        "_message",
        "_message_bytes_max",
        "_partial",
        "_unparsed_bytes",
        "pongs",
    )

    def __init__(self, *, text: bool, message_bytes_max: int, control: Bucket) -> None:
        """`control` counts what is no message: pings, pongs and fragments."""
        self.pongs = 0
        self._message = Opcode.TEXT if text else Opcode.BINARY
        self._head = _FIN | self._message
        self._message_bytes_max = message_bytes_max
        self._control = control
        self._frames: FrameProtocol | None = None
        self._unparsed_bytes = 0
        """What the core was given and has not made a frame of, as far as can be told."""
        self._in_fragments = False
        self._partial = b""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come: the peer has said close and was answered, or broke the protocol."""
        frames = self._frames
        return frames is not None and (frames.close_rcvd is not None or frames.parser_exc is not None)

    @property
    def broke(self) -> int:
        """The close code that a peer who broke the protocol was told; 0 for one who did not."""
        frames = self._frames
        if frames is None or frames.parser_exc is None or frames.close_sent is None:
            return 0
        return frames.close_sent.code

    def whole(self, data: bytes) -> bytes | None:
        """Return the message when `data` is one whole frame of it, and it can be seen at once that it is a sound one.

        None says no more than that `feed` must take the bytes.
        """
        size = len(data)
        if size < _SHORT_HEAD or data[0] != self._head or self._frames is not None:
            return None
        if size <= _SHORT_HEAD + _SHORT_MAX:
            start = 2
            if data[1] != _MASKED + size - _SHORT_HEAD:
                return None
        elif size <= _LONG_HEAD + _LONG_MAX:
            start = 4
            if data[1] != _LONG or int.from_bytes(data[2:4]) != size - _LONG_HEAD:
                return None
        else:
            return None
        if size - start - 4 > self._message_bytes_max:
            return None
        payload = apply_mask(data[start + 4 :], data[start : start + 4])
        return payload if self._message is Opcode.BINARY or payload.isascii() else None

    def several(self, piece: bytes) -> list[bytes] | None:
        """Return the messages when a piece is made of whole frames of them and nothing else; None as `whole` does."""
        found = []
        start = 0
        while start < len(piece):
            end = start + _frame_bytes(piece, start)
            payload = self.whole(piece[start:end])
            if payload is None:
                return None
            found.append(payload)
            start = end
        return found

    def pong(self, data: bytes, now_s: float) -> bool:
        """Take `data` in when it is one whole pong, and return whether it is. Raises Misuse."""
        size = len(data) - _SHORT_HEAD
        if (
            not 0 <= size <= _SHORT_MAX
            or data[0] != _PONG
            or data[1] != _MASKED + size
            or self._frames is not None
        ):
            return False
        self._count(now_s)
        self.pongs += 1
        return True

    def feed(self, piece: bytes, now_s: float) -> Iterator[bytes]:
        """Take in PIECE_BYTES at most and yield the messages that are whole. Raises Misuse."""
        frames = self._core()
        self._unparsed_bytes += len(piece)
        frames.receive_data(piece)
        for event in frames.events_received():
            assert isinstance(event, Frame)
            self._unparsed_bytes -= _wire_bytes(len(event.data))
            opcode = event.opcode
            if opcode is self._message:
                if event.fin:
                    yield self._checked(bytes(event.data))
                    continue
            elif opcode is Opcode.TEXT or opcode is Opcode.BINARY:
                raise Misuse(Close.UNSUPPORTED_DATA)
            elif opcode is Opcode.CLOSE:
                return
            self._count(now_s)
            if opcode is Opcode.PONG:
                self.pongs += 1
            elif opcode is not Opcode.PING:
                self._partial += event.data
                self._in_fragments = not event.fin
                if event.fin:
                    payload, self._partial = self._partial, b""
                    yield self._checked(payload)

    def close(self, code: Close) -> None:
        """Say close, unless that was said."""
        frames = self._core()
        if frames.state is FrameState.OPEN:
            frames.send_close(code, CLOSE_REASONS[code])

    def drop(self) -> None:
        """Keep nothing of a message that has not ended: its connection is gone.

        The core refers to itself, so it is there until the garbage collector comes, up to a whole message for each
        socket of a crowd that connects, begins one and leaves.
        """
        if self._frames is not None:
            self._frames.reader.discard()
            self._frames = None
        self._partial = b""

    def data_to_send(self) -> bytes:
        frames = self._frames
        if frames is None:
            return b""
        data = b"".join(frames.data_to_send())
        if self._unparsed_bytes == 0 and not self._in_fragments and frames.state is FrameState.OPEN:
            # Between two messages it knows nothing that is worth its memory.
            self._frames = None
        return data

    def _core(self) -> FrameProtocol:
        if self._frames is None:
            self._unparsed_bytes = 0
            self._frames = FrameProtocol(SERVER, state=FrameState.OPEN, max_size=self._message_bytes_max)
        return self._frames

    def _count(self, now_s: float) -> None:
        """Count what is no message."""
        if self._control.take(now_s) is not Pace.FINE:
            raise Misuse(Close.FLOOD)

    def _checked(self, payload: bytes) -> bytes:
        if self._message is Opcode.TEXT and not payload.isascii():
            try:
                payload.decode()
            except UnicodeDecodeError as error:
                raise Misuse(Close.INVALID_UTF8) from error
        return payload


def _frame_bytes(data: bytes, start: int) -> int:
    """Return how long a client's frame is that begins at `start`, as far as its first bytes tell."""
    size = data[start + 1] & ~_MASKED if start + 1 < len(data) else 0
    if size <= _SHORT_MAX:
        return _SHORT_HEAD + size
    return _LONG_HEAD + int.from_bytes(data[start + 2 : start + 4])


def _wire_bytes(size: int) -> int:
    """Return how many bytes a client's frame of a payload of `size` is, its length written as short as can be.

    A client that writes it longer is never found to be between two messages, and keeps its core.
    """
    if size <= _SHORT_MAX:
        return _SHORT_HEAD + size
    return (_LONG_HEAD if size <= _LONG_MAX else _LONG_HEAD + 6) + size
