"""Cuts what a client sent into pieces for the HTTP parser, so that no piece reaches beyond one request. Pure.

The parser cannot be stopped within what it was given. So the head of a request, and a chunked body, are given to it
up to each empty line: one that ends them always ends a piece. A body with a length is given by its length.
"""

PIECE_BYTES = 4_096
"""Of heads and chunked bodies, where the parser calls back often."""
BODY_PIECE_BYTES = 65_536
"""Of a body with a length, which it hands on in one go."""
_EMPTY_LINE = b"\r\n\r\n"


class Pieces:
    """The input of one connection. It is in a head until `begin_body`, and again after `begin_head`."""

    __slots__ = ("_at", "_data", "_left", "_tail")

    def __init__(self) -> None:
        self._data = b""
        self._at = 0
        self._tail = b""
        """The last bytes of the piece before: an empty line may be cut by the network."""
        self._left: int | None = None
        """Bytes of a body with a length that are still to come; None in a head or a chunked body."""

    @property
    def size(self) -> int:
        """How many bytes wait."""
        return len(self._data) - self._at

    @property
    def has_length(self) -> bool:
        """Whether it is in a body whose length is known."""
        return self._left is not None

    def add(self, data: bytes) -> None:
        self._data = self._data[self._at :] + data if self.size else data
        self._at = 0

    def begin_head(self) -> None:
        self._left = None
        self._tail = b""

    def begin_body(self, length: int | None) -> None:
        """What follows is a body of `length` bytes, None: a chunked one."""
        self._left = length
        self._tail = b""

    def next(self) -> bytes:
        """Return the next piece; nothing when nothing waits."""
        piece = self._cut(self._left) if self._left is not None else self._cut_at_empty_line()
        self._at += len(piece)
        if not self.size:
            self._data, self._at = b"", 0
        return piece

    def take_all(self) -> bytes:
        """Return all that waits."""
        rest = self._data[self._at :]
        self._data, self._at = b"", 0
        return rest

    def _cut(self, left: int) -> bytes:
        piece = self._data[self._at : self._at + min(left, BODY_PIECE_BYTES)]
        self._left = left - len(piece)
        return piece

    def _cut_at_empty_line(self) -> bytes:
        piece = self._data[self._at : self._at + PIECE_BYTES]
        known = len(self._tail)
        found = (self._tail + piece).find(_EMPTY_LINE)
        if found >= 0:
            piece = piece[: found + len(_EMPTY_LINE) - known]
            self._tail = b""
        else:
            self._tail = (self._tail + piece)[-len(_EMPTY_LINE) + 1 :]
        return piece
