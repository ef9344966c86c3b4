"""How a crowd comes in: each viewer by the same three steps, in bytes that were made beforehand, and by the clock.

The steps are a connection that becomes a websocket, hello with the viewer's own token, and watch until the whole reply
is there. The bench `join` measures them; `flash` fills its room by them.
"""

import json
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import NamedTuple

from dropcast_bench import frames
from dropcast_bench.lines import Line, LineFault, Talk, open_lines
from dropcast_bench.ours import JSON, PATH, SHOW

AT_ONCE = 64
"""How many are on their way at a time."""


class Arrivals(NamedTuple):
    lines: list[Line]
    times_s: list[float]
    """Of each viewer, from connecting until it has what it asked to watch."""
    took_s: float
    """From the first connection until the last viewer was in."""


def hello(token: str) -> bytes:
    """Return the frame by which a viewer says who it is."""
    return frames.frame(b'{"type":"hello","id":1,"token":"%b"}' % token.encode())


def watch(since: Mapping[str, object] | None = None) -> bytes:
    """Return the frame that asks for the show, as a whole or from where a viewer had left it."""
    asked: dict[str, object] = {"type": "watch", "id": 2, "show": SHOW}
    if since is not None:
        asked["since"] = since
    return frames.frame(json.dumps(asked, separators=(",", ":")).encode())


def arrives(
    port: int,
    hello: bytes,
    watch: bytes,
    *,
    path: str = PATH,
    wants: bytes = b"",
    got: Callable[[bytes], object] | None = None,
) -> Talk:
    """Come in by the three steps. `got` is given the reply to watch; without `wants` in it that is a LineFault."""
    data = yield frames.handshake(path, port, JSON if path == PATH else "")
    while frames.HEAD_END not in data:
        data += yield b""
    _, _, rest = data.partition(frames.HEAD_END)
    rest += yield hello
    yield from _hears(rest, b'"welcome"')
    reply = yield from _hears((yield watch), b'"watching"')
    if wants not in reply:
        raise LineFault(f"a viewer was not given {wants.decode()}: {reply[:500].decode()}")
    if got is not None:
        got(reply)


def _hears(data: bytes, mark: bytes) -> Generator[bytes, bytes, bytes]:
    """Wait for a whole frame with `mark` in it, and return its payload."""
    while True:
        for _, start, end in frames.walk(data):
            if data.find(mark, start, end) >= 0:
                return data[start:end]
        data += yield b""


def bring(
    port: int,
    talks: Sequence[Talk],
    *,
    at_once: int = AT_ONCE,
    on_count: Callable[[int], object] | None = None,
) -> Arrivals:
    """Bring all in, `at_once` under way at a time. `on_count` hears how many are in by now, after each of them."""
    clock = time.perf_counter
    began_s = [0.0] * len(talks)
    times_s = [0.0] * len(talks)
    count = 0

    def starting() -> Generator[Talk, None, None]:
        # Each is taken when its turn to connect has come, and not before.
        for number, talk in enumerate(talks):
            began_s[number] = clock()
            yield talk

    def done(number: int) -> None:
        nonlocal count
        times_s[number] = clock() - began_s[number]
        count += 1
        if on_count is not None:
            on_count(count)

    start_s = clock()
    lines = open_lines(("127.0.0.1", port), starting(), at_once=at_once, on_done=done)
    return Arrivals(lines, times_s, clock() - start_s)
