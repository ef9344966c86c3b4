"""What taking in a viewer's frames costs, three ways through one seam: `python -m tests.edge.intake_cost`.

`core` is the sans-I/O core of `websockets` alone, `ours` is `Intake`, which has that core for what is not one whole
frame, `picows` is picows where it is installed. Each is given packets and gives the messages in them. Prints one JSON
line: CPU microseconds a packet, the median of rounds in turn, and KiB of memory a connection. Not a test: it judges
nothing.
"""

import gc
import importlib
import json
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Protocol as Interface

import uvloop
from websockets.frames import Frame, Opcode
from websockets.protocol import SERVER, Protocol, State

from dropcast.edge.intake import Intake
from dropcast.edge.rates import Bucket
from tests.support.raw import PONG, TEXT, frame

_ROUNDS = 9
_PACKETS = 10_000
_CONNECTIONS = 2_000
_MESSAGE_BYTES_MAX = 65_536
_RESERVE = (
    b'{"type":"reserve","id":1,"show":"friday","drop":"d0123456789abcdef","sku":"SCARF","qty":1,"key":"0001"}'
)
_MESSAGE = frame(TEXT, _RESERVE)
_PACKETS_BY_NAME = {
    "message": [_MESSAGE],
    "pong": [frame(PONG)],
    "two_messages_at_once": [_MESSAGE * 2],
    "message_in_two_packets": [_MESSAGE[:50], _MESSAGE[50:]],
}


class Way(Interface):
    def take(self, data: bytes) -> list[bytes]: ...


class Core:
    """The library's core, with nothing before it."""

    def __init__(self) -> None:
        self._frames = Protocol(SERVER, state=State.OPEN, max_size=_MESSAGE_BYTES_MAX)

    def take(self, data: bytes) -> list[bytes]:
        frames = self._frames
        frames.receive_data(data)
        found = []
        for event in frames.events_received():
            assert isinstance(event, Frame)
            if event.opcode is Opcode.TEXT:
                found.append(bytes(event.data))
        frames.data_to_send()
        return found


class Ours:
    def __init__(self) -> None:
        control = Bucket(2**31, 1, 0.0)
        self._intake = Intake(text=True, message_bytes_max=_MESSAGE_BYTES_MAX, control=control)

    def take(self, data: bytes) -> list[bytes]:
        payload = self._intake.whole(data)
        if payload is not None:
            return [payload]
        if self._intake.pong(data, 0.0):
            return []
        payloads = self._intake.several(data)
        if payloads is not None:
            return payloads
        found = list(self._intake.feed(data, 0.0))
        self._intake.data_to_send()
        return found


def _ways() -> dict[str, Callable[[], Way]]:
    ways: dict[str, Callable[[], Way]] = {"core": Core, "ours": Ours}
    if find_spec("picows"):
        picows = importlib.import_module("tests.edge.picows_way")
        ways["picows"] = lambda: picows.PicowsWay(_MESSAGE_BYTES_MAX)
    return ways


def _cpu_us(way: Way, packets: list[bytes]) -> float:
    began_s = time.thread_time()
    for _ in range(_PACKETS):
        for packet in packets:
            way.take(packet)
    return (time.thread_time() - began_s) / _PACKETS * 1e6


def _kib(make: Callable[[], Way]) -> float:
    """Return the memory of a connection that has taken in one message."""
    gc.collect()
    before = _rss_kib()
    kept = [make() for _ in range(_CONNECTIONS)]
    for way in kept:
        way.take(_MESSAGE)
    return (_rss_kib() - before) / len(kept)


def _rss_kib() -> int:
    (line,) = [
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")
    ]
    return int(line.split()[1])


async def main() -> None:
    ways = _ways()
    for name, make in ways.items():
        assert make().take(_MESSAGE) == [_RESERVE], name
    told: dict[str, dict[str, float]] = {name: {"kib": round(_kib(make), 1)} for name, make in ways.items()}
    for packets_name, packets in _PACKETS_BY_NAME.items():
        rounds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(_ROUNDS):
            for name, make in ways.items():
                rounds[name].append(_cpu_us(make(), packets))
        for name, found in rounds.items():
            told[name][packets_name + "_us"] = round(median(found), 2)
    print(json.dumps(told))


if __name__ == "__main__":
    uvloop.run(main())
