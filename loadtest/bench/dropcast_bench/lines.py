"""The load generator's sockets: thousands of raw ones in one thread, on epoll, with next to no work for each byte.

A `Talk` is what a socket says until it is ready to be measured: a generator that yields what to send (b"" for
nothing) and is given what came. `open_lines` carries many talks out side by side.
"""

import contextlib
import select
import socket
import struct
from collections.abc import Callable, Generator, Iterable

Talk = Generator[bytes, bytes, None]

RECEIVE_BYTES = 65_536
READ = select.EPOLLIN | select.EPOLLRDHUP
_AT_ONCE = 64
_NO_LINGER = struct.pack("ii", 1, 0)
"""Closing resets the connection: no port waits for a minute, so that rounds of 10,000 lines never run out of them."""


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
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
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
            poll.register(line.fd, READ)
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
