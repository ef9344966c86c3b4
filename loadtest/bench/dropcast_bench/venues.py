"""Where events are fanned out: a server, how a viewer comes to it, and how an event is published there.

One function for each contender; each is a context that starts the server and ends it. Nobody's heartbeat is on,
unless it is asked for: what keeps quiet connections alive is measured by the bench `idle`, and would blur what a
delivery costs.
"""

import contextlib
import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import NamedTuple

from dropcast_bench import announcements, frames
from dropcast_bench.announcements import PAYLOAD_BYTES
from dropcast_bench.lines import Line, Talk, close_lines, open_lines
from dropcast_bench.ours import SHOW, Ours, joins, ours
from dropcast_bench.placement import placed
from dropcast_bench.servers import Server, ServerFault, contender
from dropcast_bench.tokens import mint

_NEVER_MS = 86_400_000
QUIET: Mapping[str, object] = {"tick_ms": _NEVER_MS, "stall_ms": _NEVER_MS}
"""Ours without a heartbeat."""
_SOCKETIO_BYTES = len('42["announcement",""]')
_NATS_CORE = r"client connections on \S*?:(\d+)"
_NATS_LISTENING = rf"websocket clients on \S*?:(\d+)[\s\S]*{_NATS_CORE}"
"""It listens for websockets first; its TCP port is told after that."""
_NATS_CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"lang":"bench","version":"1"}\r\n'


class Venue(NamedTuple):
    port: int
    """Where viewers connect."""
    pids: dict[str, list[int]]
    """All processes of the server, by what they are."""
    viewer: Callable[[], Talk]
    """How one viewer comes in."""
    publisher: Line
    message: Callable[[int], bytes]
    """What the publisher's line says to publish an event."""

    def publish(self, number: int) -> None:
        said = self.message(number)
        if self.publisher.send(said) != len(said):
            raise ServerFault("the server does not read what is published")

    def placed(self) -> contextlib.AbstractContextManager[None]:
        """Give the process that serves viewers a core of its own while this is entered."""
        serving = self.pids.get("worker") or self.pids["server"]
        return placed(serving, [pid for pid in self.all_pids if pid not in serving])

    @property
    def all_pids(self) -> list[int]:
        return [pid for pids in self.pids.values() for pid in pids]


@contextlib.contextmanager
def dropcast(flags: Mapping[str, object] = QUIET) -> Iterator[Venue]:
    """Ours, whole: supervisor, worker and durable engine."""
    with ours(**flags) as running, venue_of(running) as venue:
        yield venue


@contextlib.contextmanager
def venue_of(running: Ours) -> Iterator[Venue]:
    """A server of ours that runs: viewers are anonymous, an operator announces by websocket."""
    probed: list[tuple[int, int]] = []
    with _publisher(running.port, _operator(running, probed)) as line:
        ((size, seq),) = probed

        def message(number: int) -> bytes:
            # The sequence number grows by a digit now and then, and the text shrinks by one.
            grown = len(str(seq + 1 + number)) - len(str(seq))
            text = announcements.text(number, PAYLOAD_BYTES - size - grown)
            return _announce(number + 10, text, f"event-{number}")

        pids = {
            "worker": running.worker_pids,
            "engine": running.engine_pids,
            "supervisor": running.supervisor_pids,
        }
        yield Venue(running.port, pids, lambda: joins(running.port, None), line, message)


def _operator(running: Ours, probed: list[tuple[int, int]]) -> Generator[bytes, bytes, None]:
    """Watch for one announcement, to learn what is around its text: so many bytes, and a seq."""
    yield from joins(running.port, "operator", mint("operator", "operator"))
    rest = yield _announce(3, "-", "probe")
    while not probed:
        found, rest = frames.payloads(rest)
        for payload in found:
            told = json.loads(payload)
            if told["type"] == "announcement":
                probed.append((len(payload) - len(told["text"]), told["seq"]))
        if not probed:
            rest += yield b""
    rest = yield frames.frame(json.dumps({"type": "leave", "id": 4, "show": SHOW}).encode())
    while b'"left"' not in rest:
        rest += yield b""


def _announce(id_: int, text: str, key: str) -> bytes:
    said = {"type": "announce", "id": id_, "show": SHOW, "key": key, "text": text}
    return frames.frame(json.dumps(said).encode())


@contextlib.contextmanager
def floor() -> Iterator[Venue]:
    """One `os.write` of one frame to each socket, and nothing else."""
    with (
        contender("floor_writes") as server,
        _publisher(server.port, _says_hello(b"PUBLISH" + frames.HEAD_END)) as line,
    ):
        yield Venue(
            server.port,
            {"server": server.pids()},
            lambda: _upgrades("/", server.port),
            line,
            lambda number: announcements.text(number).encode(),
        )


@contextlib.contextmanager
def plain(module: str, *args: str) -> Iterator[Venue]:
    """A peer that sends on to all viewers, as they are, the messages of the websocket at /publish."""
    with (
        contender(module, *args) as server,
        _publisher(server.port, _upgrades("/publish", server.port)) as line,
    ):
        yield Venue(
            server.port,
            {"server": server.pids()},
            lambda: _upgrades("/", server.port),
            line,
            lambda number: frames.frame(announcements.text(number).encode()),
        )


@contextlib.contextmanager
def socketio() -> Iterator[Venue]:
    """Socket.IO, by websocket alone: a publisher's event is emitted to a room that all viewers are in."""
    with contender("socketio_room") as server, _publisher(server.port, _joins_socketio(server.port)) as line:

        def message(number: int) -> bytes:
            said = ["announce", announcements.text(number, PAYLOAD_BYTES - _SOCKETIO_BYTES)]
            return frames.frame(b"42" + json.dumps(said).encode())

        yield Venue(
            server.port,
            {"server": server.pids()},
            lambda: _joins_socketio(server.port, room=True),
            line,
            message,
        )


@contextlib.contextmanager
def nats() -> Iterator[Venue]:
    """nats-server: viewers subscribe by websocket, the publisher speaks to its TCP port."""
    with contender("nats_server", listening=_NATS_LISTENING) as server:
        core_port = _core_port(server)
        around = len(b"MSG show 1 178\r\n\r\n")

        def message(number: int) -> bytes:
            text = announcements.text(number, PAYLOAD_BYTES - around).encode()
            return b"PUB show %d\r\n%b\r\n" % (len(text), text)

        with _publisher(core_port, _says_hello(_NATS_CONNECT + b"PING\r\n", until=b"PONG")) as line:
            yield Venue(
                server.port,
                {"server": server.pids()},
                lambda: _subscribes(server.port),
                line,
                message,
            )


def _core_port(server: Server) -> int:
    found = re.search(_NATS_CORE, server.log())
    assert found is not None
    return int(found[1])


@contextlib.contextmanager
def _publisher(port: int, talk: Talk) -> Iterator[Line]:
    lines = open_lines(("127.0.0.1", port), [talk])
    try:
        yield lines[0]
    finally:
        close_lines(lines)


def _says_hello(said: bytes, until: bytes = b"") -> Talk:
    data = yield said
    while until not in data:
        data += yield b""


def _upgrades(path: str, port: int) -> Talk:
    data = yield frames.handshake(path, port)
    while frames.HEAD_END not in data:
        data += yield b""


def _joins_socketio(port: int, *, room: bool = False) -> Talk:
    data = yield frames.handshake(f"/socket.io/?EIO=4&transport=websocket{'&room=show' * room}", port)
    while b"0{" not in data:
        data += yield b""
    data = yield frames.frame(b"40")
    while b"40{" not in data:
        data += yield b""


def _subscribes(port: int) -> Talk:
    data = yield frames.handshake("/", port)
    while b"INFO" not in data:
        data += yield b""
    data = yield frames.frame(_NATS_CONNECT + b"SUB show 1\r\nPING\r\n", frames.BINARY)
    while b"PONG" not in data:
        data += yield b""
