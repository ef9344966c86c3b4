"""The load generator's sockets: thousands of raw ones in one thread, on epoll, with next to no work for each byte.

A `Talk` is what a socket says until it is ready to be measured: a generator that yields what to send (b"" for
nothing) and is given what came. `open_lines` carries many talks out side by side.
"""

import contextlib
import select
import socket
import time
from collections.abc import Callable, Generator, Iterable, Sequence

Talk = Generator[bytes, bytes, None]

RECEIVE_BYTES = 65_536
_AT_ONCE = 64
_READ = select.EPOLLIN | select.EPOLLRDHUP


class LineFault(Exception):
    """A socket was refused, closed or silent."""


class Line:
    """One connected, non-blocking socket."""

    __slots__ = ("fd", "recv", "send", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.recv = sock.recv
        self.send = sock.send

    def close(self) -> None:
        self.sock.close()


def connect(address: tuple[str, int] | str) -> Line:
    """Connect to a TCP address, or to the path of a unix socket."""
    sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET, socket.SOCK_STREAM)
    sock.connect(address)
    if not isinstance(address, str):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)
    return Line(sock)


def open_lines(
    address: tuple[str, int] | str,
    talks: Iterable[Talk],
    *,
    at_once: int = _AT_ONCE,
    silent_s: float = 20.0,
    on_done: Callable[[int], None] | None = None,
) -> list[Line]:
    """Connect one line for each talk, `at_once` of them under way at a time, and return them when all are done.

    `on_done` hears the number of each line whose talk is over. Raises LineFault when one is closed, or when nothing
    at all comes for `silent_s`.
    """
    lines: list[Line] = []
    under_way: dict[int, tuple[int, Line, Talk]] = {}
    todo = iter(enumerate(talks))
    with contextlib.closing(select.epoll()) as poll:

        def begin() -> bool:
            number, talk = next(todo, (0, None))
            if talk is None:
                return False
            line = connect(address)
            lines.append(line)
            poll.register(line.fd, _READ)
            under_way[line.fd] = number, line, talk
            line.send(next(talk))
            return True

        try:
            while len(under_way) < at_once and begin():
                pass
            while under_way:
                events = poll.poll(silent_s)
                if not events:
                    raise LineFault(f"{len(under_way)} lines were not answered within {silent_s} s")
                for fd, _ in events:
                    number, line, talk = under_way[fd]
                    data = line.recv(RECEIVE_BYTES)
                    if not data:
                        raise LineFault(f"line {number} was closed before it was ready")
                    try:
                        says = talk.send(data)
                    except StopIteration:
                        poll.unregister(fd)
                        del under_way[fd]
                        if on_done is not None:
                            on_done(number)
                        begin()
                    else:
                        if says:
                            line.send(says)
        except BaseException:
            close_lines(lines)
            raise
    return lines


def close_lines(lines: Iterable[Line]) -> None:
    for line in lines:
        line.close()


class Audience:
    """Lines that hear what is sent to all: most are read now and then, a few at once and by the clock.

    Those read now and then let the kernel keep what came, and cost the generator one read for many messages. A few
    spread evenly over the others, in the order of their arrival, time every message.
    """

    def __init__(self, lines: Sequence[Line], *, mark: bytes, sampled: int = 64) -> None:
        """`mark` stands once in each message."""
        every = max(1, len(lines) // sampled)
        self._sampled = {line.fd: line for line in lines[every // 2 :: every]}
        self._others = [line for line in lines if line.fd not in self._sampled]
        self._mark = mark
        self.heard = 0
        """Messages that have come, over all lines."""
        self.came_at_s: list[float] = []
        """When each message reached each sampled line, by time.perf_counter, since `forget`."""
        self.lost: list[int] = []
        """Lines that the server has closed."""
        self._poll = select.epoll()
        for fd in self._sampled:
            self._poll.register(fd, _READ)

    def forget(self) -> None:
        self.drain()
        self.heard = 0
        self.came_at_s.clear()

    def listen(self, until_s: float) -> None:
        """Read the sampled lines as messages come, until `until_s` of time.perf_counter."""
        while (left_s := until_s - time.perf_counter()) > 0:
            for fd, _ in self._poll.poll(left_s):
                self._hear(fd)

    def _hear(self, fd: int) -> None:
        data = self._sampled[fd].recv(RECEIVE_BYTES)
        now_s = time.perf_counter()
        count = data.count(self._mark)
        self.heard += count
        self.came_at_s += [now_s] * count
        if not data:
            self._poll.unregister(fd)
            self.lost.append(fd)

    def drain(self) -> None:
        """Read all lines until nothing is there."""
        for fd, _ in self._poll.poll(0):
            self._hear(fd)
        mark = self._mark
        for line in self._others:
            try:
                data = line.recv(RECEIVE_BYTES)
            except BlockingIOError:
                continue
            self.heard += data.count(mark)
            if len(data) == RECEIVE_BYTES:
                self.drain_one(line)
            elif not data:
                self.lost.append(line.fd)

    def drain_one(self, line: Line) -> None:
        with contextlib.suppress(BlockingIOError):
            while data := line.recv(RECEIVE_BYTES):
                self.heard += data.count(self._mark)

    def close(self) -> None:
        self._poll.close()
        close_lines(self._sampled.values())
        close_lines(self._others)
