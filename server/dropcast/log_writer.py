"""Writes the log lines of a server to stderr from a thread of its own, so that nobody waits for whoever reads them.

logs.py puts every line in here: log records, and what is printed to sys.stderr (`PrintedLines`). A pipe that nobody
reads takes 64 KiB, and then a write to it blocks for ever. Here only the thread blocks: lines wait in a bounded
queue, and when that is full they are dropped and counted. stderr is never made non-blocking, since other processes
share it.
"""

import io
import logging
import os
import select
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import SimpleQueue
from typing import NamedTuple

STDERR = 2
LINES_MAX = 4_000
BYTES_MAX = 2**21
LEVELS = ("debug", "info", "warning", "error", "critical")
FLUSH_S = 1.0
"""How long an exit waits for what is queued."""

_SHARES = ((logging.ERROR, 1.0), (logging.WARNING, 0.75), (0, 0.5))
"""How much of the queue lines may fill, by their level: debug and info go first, errors have a reserve."""
_ROOM = 0.25
"""When the queue is no fuller than this, the dropped lines are reported."""
_BATCH_BYTES = select.PIPE_BUF
"""A pipe takes so many bytes whole: lines of other processes on the same pipe never get between ours."""
_GATHER_S = 0.01
_POLL_MS = 1_000
_PRINTED_BYTES_MAX = 65_536


class _Line(NamedTuple):
    level: int
    data: bytes
    lines: int


class LogWriter:
    """See the module. Safe to call from any thread, also while it is called already."""

    def __init__(
        self,
        *,
        descriptor: int = STDERR,
        lines_max: int = LINES_MAX,
        bytes_max: int = BYTES_MAX,
        on_dropped: Callable[[str, int], None] = lambda level, lines: None,
        report: Callable[[Mapping[str, int]], None] = lambda dropped: None,
    ) -> None:
        """`on_dropped` hears at once of every dropped line, by level; `report` logs them when there is room again."""
        self._descriptor = descriptor
        self._lines_max = lines_max
        self._bytes_max = bytes_max
        self._on_dropped = on_dropped
        self._report = report
        self._queue: SimpleQueue[_Line | threading.Event | None] = SimpleQueue()
        # Never held while something is written. Reentrant: the collector may run within and log something.
        self._lock = threading.RLock()
        self._lines = 0
        self._bytes = 0
        self._dropped: dict[str, int] = {}
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def put(self, level: int, text: str) -> None:
        """Queue one or more whole lines, or drop them when there is no room. Never waits for the reader."""
        data = text.encode("utf-8", "backslashreplace")
        line = _Line(level, data, data.count(b"\n"))
        share = next(share for least, share in _SHARES if level >= least)
        with self._lock:
            # A line that is too long for the whole queue passes when nothing else waits.
            if self._lines and (
                self._lines + line.lines > self._lines_max * share
                or self._bytes + len(data) > self._bytes_max * share
            ):
                self._drop(line)
                return
            self._lines += line.lines
            self._bytes += len(data)
            self._queue.put(line)

    def flush(self, within_s: float = FLUSH_S) -> bool:
        """Wait until what is queued by now is written, `within_s` seconds at most. False: it was not."""
        self._report_dropped(even_without_room=True)
        written = threading.Event()
        self._queue.put(written)
        return written.wait(within_s)

    def close(self, within_s: float = FLUSH_S) -> None:
        """Flush and end the thread. One that is stuck in a write is left behind, and does not keep the process."""
        began_s = time.monotonic()
        self.flush(within_s)
        self._queue.put(None)
        self._thread.join(max(0.0, within_s - (time.monotonic() - began_s)))

    def _run(self) -> None:
        waiting: _Line | threading.Event | None = self._queue.get()
        while waiting is not None:
            if isinstance(waiting, threading.Event):
                waiting.set()
                waiting = self._queue.get()
                continue
            batch, waiting = self._gather(waiting)
            self._write_batch(batch)
            if waiting is None:
                is_idle = self._queue.empty()
                waiting = self._queue.get()
                if is_idle:
                    # Several lines together cost one change of threads instead of one each.
                    time.sleep(_GATHER_S)

    def _gather(self, first: _Line) -> tuple[list[_Line], "_Line | threading.Event | None"]:
        """Return the lines to write together, and what was taken from the queue but is no part of them."""
        batch, size = [first], len(first.data)
        while size < _BATCH_BYTES and not self._queue.empty():
            following = self._queue.get()
            if not isinstance(following, _Line):
                return batch, following
            size += len(following.data)
            if size > _BATCH_BYTES:
                return batch, following
            batch.append(following)
        return batch, None

    def _write_batch(self, batch: list[_Line]) -> None:
        written = self._write(b"".join(line.data for line in batch))
        with self._lock:
            for line in batch:
                self._lines -= line.lines
                self._bytes -= len(line.data)
                if not written:
                    self._drop(line)
        if written:
            self._report_dropped()

    def _write(self, data: bytes) -> bool:
        """Write all of it. False: the reader is gone, the disk is full, or stderr is closed."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:
                # Somebody who shares it has made it non-blocking.
                poll = select.poll()
                poll.register(self._descriptor, select.POLLOUT)
                poll.poll(_POLL_MS)
            except OSError:
                return False
        return True

    def _drop(self, line: _Line) -> None:
        name = LEVELS[min(max(line.level // 10 - 1, 0), len(LEVELS) - 1)]
        self._dropped[name] = self._dropped.get(name, 0) + line.lines
        self._on_dropped(name, line.lines)

    def _report_dropped(self, *, even_without_room: bool = False) -> None:
        with self._lock:
            has_room = self._lines <= self._lines_max * _ROOM and self._bytes <= self._bytes_max * _ROOM
            if not self._dropped or not (has_room or even_without_room):
                return
            dropped, self._dropped = self._dropped, {}
        self._report({name: dropped[name] for name in LEVELS if name in dropped})


class PrintedLines(io.TextIOBase):
    """Takes the place of sys.stdout and sys.stderr: what is printed goes to `put` by whole lines."""

    encoding = "utf-8"

    def __init__(self, put: Callable[[list[str]], None]) -> None:
        super().__init__()
        self._put = put
        self._rest = ""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return STDERR

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"a text is needed, not {type(text).__name__}")
        whole, newline, self._rest = (self._rest + text).rpartition("\n")
        if newline:
            self._put(whole.split("\n"))
        if len(self._rest) > _PRINTED_BYTES_MAX:
            self.flush()
        return len(text)

    def flush(self) -> None:
        rest, self._rest = self._rest, ""
        if rest:
            self._put([rest])


def fill_standard_descriptors() -> None:
    """Open /dev/null for stdin, stdout and stderr where they are closed.

    Otherwise the next socket or file gets the number, and is written what was meant for stderr.
    """
    for number in (0, 1, STDERR):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            with suppress(OSError):
                os.set_inheritable(number, True)
