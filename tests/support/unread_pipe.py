"""A pipe whose reader has stopped reading: it is full, so that whoever writes to it blocks."""

import os
from types import TracebackType
from typing import Self


class UnreadPipe:
    """A context manager: leaving closes what is open of both ends."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        # Another opening of the same pipe: making `writer` non-blocking would show in every process that has it.
        filling = os.open(f"/proc/self/fd/{self.writer}", os.O_WRONLY | os.O_NONBLOCK)
        self._filled = 0
        try:
            for size in (4096, 1):
                self._fill(filling, size)
        finally:
            os.close(filling)

    def _fill(self, descriptor: int, size: int) -> None:
        try:
            while True:
                self._filled += os.write(descriptor, b"." * size)
        except BlockingIOError:
            return

    def read(self) -> str:
        """Return what has come since the pipe was full, to the end of all writers."""
        self.close_writer()
        with os.fdopen(self.reader, "rb") as reader:
            self.reader = -1
            return reader.read()[self._filled :].decode()

    def skip(self) -> None:
        """Read what the pipe was filled with, so that there is room again."""
        while self._filled:
            self._filled -= len(os.read(self.reader, self._filled))

    def close_writer(self) -> None:
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def close_reader(self) -> None:
        if self.reader >= 0:
            os.close(self.reader)
            self.reader = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_writer()
        self.close_reader()
