"""A sheet of memory that one worker writes and the supervisor reads: no pipe to fill, nobody waits for anybody.

Two halves are written in turn, so that a worker which is killed while it writes leaves the half before whole.
The sheet is the supervisor's and outlives its worker: the next one writes on the same sheet.
"""

import mmap
import os
import struct
import sys
import tempfile
import zlib
from collections.abc import Mapping

import msgspec

from dropcast.metrics.values import Value

_HALF_BYTES = 128 * 1024
_TURN = struct.Struct("=Q")
_HEAD = struct.Struct("=II")
_READ_TRIES = 4

_encode = msgspec.msgpack.Encoder().encode
_DECODER = msgspec.msgpack.Decoder(dict[str, Value])


class Sheet:
    """Takes over the descriptor: `close` closes it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _TURN.size + 2 * _HALF_BYTES)

    @classmethod
    def make(cls) -> "Sheet":
        """Make an empty one, in memory that has no name."""
        if sys.platform == "linux":
            descriptor = os.memfd_create("dropcast-metrics")
        else:
            with tempfile.TemporaryFile() as file:
                descriptor = os.dup(file.fileno())
        os.ftruncate(descriptor, _TURN.size + 2 * _HALF_BYTES)
        return cls(descriptor)

    def write(self, values: Mapping[str, Value]) -> bool:
        """Write `values` in the place of what was there. False when they do not fit: what was there stays."""
        payload = _encode(values)
        if len(payload) > _HALF_BYTES - _HEAD.size:
            return False
        turn = self._turn() + 1
        start = self._start(turn)
        memory = self._memory
        memory[start + _HEAD.size : start + _HEAD.size + len(payload)] = payload
        memory[start : start + _HEAD.size] = _HEAD.pack(len(payload), zlib.crc32(payload))
        # Last: from here on readers take this half.
        memory[: _TURN.size] = _TURN.pack(turn)
        return True

    def read(self) -> dict[str, Value]:
        """Return what was written last, nothing when nothing was."""
        for _ in range(_READ_TRIES):
            turn = self._turn()
            if turn == 0:
                break
            start = self._start(turn)
            size, check = _HEAD.unpack(self._memory[start : start + _HEAD.size])
            payload = self._memory[start + _HEAD.size : start + _HEAD.size + size]
            # A writer that was quicker twice has written over what we read.
            if self._turn() == turn and zlib.crc32(payload) == check:
                return _DECODER.decode(payload)
        return {}

    def clear(self) -> None:
        self._memory[: _TURN.size] = _TURN.pack(0)

    def close(self) -> None:
        self._memory.close()
        os.close(self.descriptor)

    def _turn(self) -> int:
        (turn,) = _TURN.unpack(self._memory[: _TURN.size])
        return int(turn)

    def _start(self, turn: int) -> int:
        return _TURN.size + turn % 2 * _HALF_BYTES
