"""The thread that writes log lines: order, bounds, what goes first, and every way in which stderr may fail."""

import gc
import logging
import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dropcast.log_writer import LogWriter, PrintedLines
from tests.support.unread_pipe import UnreadPipe
from tests.support.wait import wait_until_sync

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="opens a pipe again by /proc")


@contextmanager
def writing(descriptor: int, **options: Any) -> Iterator[LogWriter]:
    writer = LogWriter(descriptor=descriptor, **options)
    try:
        yield writer
    finally:
        writer.close(within_s=0.01)


class Dropped:
    """Counts what was dropped, and keeps what was reported."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.reports: list[dict[str, int]] = []

    def count(self, level: str, lines: int) -> None:
        self.counts[level] += lines

    def report(self, dropped: Mapping[str, int]) -> None:
        self.reports.append(dict(dropped))


def test_lines_of_many_threads_all_come_and_those_of_each_in_order(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file, writing(file.fileno()) as writer:

        def log(thread: int) -> None:
            for number in range(300):
                writer.put(logging.INFO, f"{thread} {number}\n")

        threads = [threading.Thread(target=log, args=(thread,)) for thread in range(4)]
        for started in threads:
            started.start()
        for started in threads:
            started.join()
        assert writer.flush(10)
    lines = (tmp_path / "log").read_text().splitlines()
    for thread in range(4):
        assert [line for line in lines if line.startswith(f"{thread} ")] == [
            f"{thread} {number}" for number in range(300)
        ]


def test_lines_are_written_whole_and_never_more_at_once_than_a_pipe_takes_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written: list[bytes] = []
    write = os.write

    def record(descriptor: int, data: bytes) -> int:
        written.append(bytes(data))
        return write(descriptor, data)

    with (tmp_path / "log").open("wb") as file, writing(file.fileno()) as writer:
        monkeypatch.setattr("dropcast.log_writer.os.write", record)
        for number in range(200):
            writer.put(logging.INFO, "x" * number + "\n")
        writer.put(logging.INFO, "y" * 9_000 + "\n")
        assert writer.flush(10)
        monkeypatch.undo()
    assert all(data.endswith(b"\n") for data in written)
    assert [len(data) for data in written if len(data) > 4096] == [9_001]
    assert len(written) < 200


def test_when_nobody_reads_debug_and_info_go_first_and_errors_have_a_reserve() -> None:
    dropped = Dropped()
    with (
        UnreadPipe() as pipe,
        writing(pipe.writer, lines_max=100, on_dropped=dropped.count, report=dropped.report) as writer,
    ):
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
            for number in range(100):
                writer.put(level, f"{level} {number}\n")
        assert not writer.flush(0.01)
        # Half of the queue for debug and info, a quarter more for warnings, the rest for errors alone.
        assert dropped.counts == {"debug": 50, "info": 100, "warning": 75, "error": 75, "critical": 100}
        assert sum(dropped.reports[0].values()) == 400
        pipe.skip()
        assert writer.flush(10)
        lines = pipe.read().splitlines()
    assert Counter(line.split()[0] for line in lines) == {"10": 50, "30": 25, "40": 25}


def test_the_queue_is_bounded_in_bytes_and_one_long_line_passes() -> None:
    dropped = Dropped()
    with UnreadPipe() as pipe, writing(pipe.writer, bytes_max=1_000, on_dropped=dropped.count) as writer:
        writer.put(logging.INFO, "x" * 5_000 + "\n")
        writer.put(logging.ERROR, "y\n")
        assert dropped.counts == {"error": 1}
        pipe.skip()
        assert writer.flush(10)
        for _ in range(5):
            writer.put(logging.ERROR, "z" * 299 + "\n")
        assert writer.flush(10)
        lines = pipe.read().splitlines()
    assert lines[0] == "x" * 5_000
    assert len(lines) >= 4


def test_what_was_dropped_is_reported_once_when_there_is_room_again() -> None:
    dropped = Dropped()
    with (
        UnreadPipe() as pipe,
        writing(pipe.writer, lines_max=10, on_dropped=dropped.count, report=dropped.report) as writer,
    ):
        for _ in range(20):
            writer.put(logging.INFO, "line\n")
        assert dropped.reports == []
        pipe.skip()
        wait_until_sync(lambda: dropped.reports)
        writer.put(logging.INFO, "after\n")
        assert writer.flush(10)
        assert dropped.reports == [{"info": 15}]


def test_a_reader_that_went_away_costs_lines_and_nothing_else() -> None:
    dropped = Dropped()
    with (
        UnreadPipe() as pipe,
        writing(pipe.writer, on_dropped=dropped.count, report=dropped.report) as writer,
    ):
        writer.put(logging.INFO, "stuck\n")
        pipe.close_reader()
        wait_until_sync(lambda: dropped.counts["info"] == 1)
        writer.put(logging.ERROR, "to nobody\n")
        assert writer.flush(10)
        assert dropped.counts == {"info": 1, "error": 1}


@pytest.mark.parametrize("what", ["full disk", "closed"])
def test_a_stderr_that_takes_nothing_costs_lines_and_nothing_else(what: str) -> None:
    dropped = Dropped()
    descriptor = os.open("/dev/full", os.O_WRONLY)
    if what == "closed":
        os.close(descriptor)
    with writing(descriptor, on_dropped=dropped.count) as writer:
        writer.put(logging.WARNING, "one\ntwo\n")
        assert writer.flush(10)
    assert dropped.counts == {"warning": 2}
    if what == "full disk":
        os.close(descriptor)


def test_a_stderr_that_somebody_made_non_blocking_is_waited_for() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        with writing(ours.fileno(), bytes_max=2**24) as writer:
            for number in range(100):
                writer.put(logging.ERROR, f"{number} " + "x" * 20_000 + "\n")
            assert not writer.flush(0.05)
            with theirs.makefile("r") as reader:
                numbers = [int(reader.readline().split()[0]) for _ in range(100)]
            assert writer.flush(10)
    assert numbers == list(range(100))


def test_a_line_that_is_logged_while_one_is_put_does_not_lock(tmp_path: Path) -> None:
    class Talkative:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            writer.put(logging.INFO, "from the collector\n")

    def collect(level: str, lines: int) -> None:
        Talkative()
        gc.collect()

    with (
        (tmp_path / "log").open("wb") as file,
        writing(file.fileno(), lines_max=1, on_dropped=collect) as writer,
    ):

        def put_some() -> None:
            for _ in range(3):
                writer.put(logging.INFO, "x\n")

        done = threading.Thread(target=put_some)
        done.start()
        done.join(10)
        assert not done.is_alive()
        assert writer.flush(10)


def test_printed_text_comes_by_whole_lines() -> None:
    came: list[list[str]] = []
    printed = PrintedLines(came.append)
    print("one", end="", file=printed)
    assert came == []
    print(" and two\nthree\nrest", end="", file=printed)
    printed.flush()
    printed.flush()
    assert came == [["one and two", "three"], ["rest"]]
    printed.write("x" * 100_000)
    assert came[-1] == ["x" * 100_000]
    with pytest.raises(TypeError, match="not bytes"):
        printed.write(b"bytes")  # type: ignore[arg-type]


_TALKS = """
import atexit, logging, os, sys, threading, time, warnings
began_s = time.monotonic()
from dropcast import logs
logs.configure(level="info", format="json", worker="w0", secrets=["hunter2-hunter2"])
{body}
"""


def run(body: str, **options: Any) -> subprocess.CompletedProcess[str]:
    program = _TALKS.format(body=body)
    return subprocess.run([sys.executable, "-c", program], text=True, timeout=50, **options)


WAYS: dict[str, str] = {
    "record": "logging.getLogger('x').error('here I am')",
    "say": "logs.say('here I am')",
    "print": "print('here I am', file=sys.stderr)",
    "no newline": "sys.stderr.write('here I am'); sys.stderr.flush()",
    "uncaught": "raise RuntimeError('here I am')",
    "thread": (
        "t = threading.Thread(target=lambda: [].remove('here I am'), name='here I am'); t.start(); t.join()"
    ),
    "unraisable": "class A:\n    def __del__(self): raise RuntimeError('here I am')\nA()",
    "warning": "warnings.warn('here I am')",
    "at exit": "atexit.register(lambda: print('here I am', file=sys.stderr))",
}


@pytest.mark.parametrize("way", WAYS)
def test_whatever_writes_to_stderr_goes_through_the_queue_and_is_there_at_the_end(way: str) -> None:
    done = run(WAYS[way] + "\nprint('hunter2-hunter2', file=sys.stderr)" * (way == "print"), stderr=-1)
    assert "here I am" in done.stderr
    assert all(line.startswith('{"time":') for line in done.stderr.splitlines())
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("way", WAYS)
def test_none_of_them_waits_for_a_stderr_that_nobody_reads(way: str) -> None:
    # The exit waits a second; a write that blocks would wait for ever.
    with UnreadPipe() as pipe:
        done = run(WAYS[way], stderr=pipe.writer)
    assert done.returncode == (1 if way == "uncaught" else 0)


def test_the_exit_waits_for_the_lines_a_second_and_no_longer() -> None:
    body = (
        "logs.say('line')\n"
        "atexit.register(lambda: os.write(1, str(time.monotonic() - began_s).encode()))\n"
        "began_s = time.monotonic()\n"
        # What is registered last runs first.
        "atexit.unregister(logs.flush); atexit.register(logs.flush)\n"
    )
    with UnreadPipe() as pipe:
        done = run(body, stderr=pipe.writer, stdout=subprocess.PIPE)
    assert 0.9 < float(done.stdout) < 10
    assert done.returncode == 0


def test_a_closed_stderr_is_no_file_of_another() -> None:
    program = (
        "from dropcast.log_writer import fill_standard_descriptors\n"
        "import os, sys\n"
        "fill_standard_descriptors()\n"
        "opened = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
        "assert opened > 2, opened\n"
        "os.write(2, b'lost')\n"
        "import subprocess\n"
        "subprocess.run([sys.executable, '-c', 'import os; os.write(2, b\"lost\")'], check=True)\n"
    )
    shell = f'{sys.executable} -c "$0" /dev/null 0<&- 1>&- 2>&-'
    assert subprocess.run(["/bin/sh", "-c", shell, program], timeout=50).returncode == 0
