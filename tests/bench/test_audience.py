"""Every line hears each event once and in order, or the round is a fault; pings are answered on the way."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from dropcast_bench import announcements, frames
from dropcast_bench.audience import Audience
from dropcast_bench.lines import Line, LineFault


class Room:
    """The server's end of some lines."""

    def __init__(self, size: int, stack: ExitStack) -> None:
        self.ends: list[socket.socket] = []
        self.lines: list[Line] = []
        for _ in range(size):
            here, there = socket.socketpair()
            here.setblocking(False)
            there.settimeout(10)
            stack.enter_context(here)
            self.ends.append(stack.enter_context(there))
            self.lines.append(Line(here))

    def send(self, number: int) -> None:
        for end in self.ends:
            end.send(event(number))


def event(number: int) -> bytes:
    payload = announcements.text(number).encode()
    return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload


Gather = Callable[..., tuple[Room, Audience]]


@pytest.fixture
def gather() -> Iterator[Gather]:
    with ExitStack() as stack:

        def make(size: int = 10, **options: object) -> tuple[Room, Audience]:
            room = Room(size, stack)
            audience = Audience(room.lines, **{"sampled": 2, **options})  # type: ignore[arg-type]
            stack.callback(audience.close)
            return room, audience

        yield make


def test_an_announcement_has_its_number_and_its_size() -> None:
    text = announcements.text(42, 200)
    assert len(text.encode()) == announcements.PAYLOAD_BYTES == 200
    assert announcements.NUMBER.findall(text.encode()) == [b"000042"]


def test_all_hear_all_and_the_sampled_are_timed(gather: Gather) -> None:
    room, audience = gather()
    audience.play(room.send, count=3, per_s=1000)
    audience.check()
    assert audience.next == 3
    assert len(audience.latencies_s) == 3 * 2
    assert all(0 <= latency_s < 60 for latency_s in audience.latencies_s)
    assert audience.payload_bytes == 200


def test_the_sampled_are_spread_over_the_order_of_arrival(gather: Gather) -> None:
    room, audience = gather(100, sampled=4)
    audience.publish(lambda number: None)
    timed = []
    for number, end in enumerate(room.ends):
        before = len(audience.latencies_s)
        end.send(event(0))
        audience.drain()
        if len(audience.latencies_s) > before:
            timed.append(number)
    assert timed == [12, 37, 62, 87]


def test_an_event_that_one_viewer_has_not_heard_is_a_fault(
    gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dropcast_bench.audience._PATIENCE_S", 0.05)
    room, audience = gather()
    # The first is not among the sampled.
    audience.play(lambda number: [end.send(event(number)) for end in room.ends[1:]], count=1, per_s=1000)
    with pytest.raises(LineFault, match="1 viewers did not receive every event: one still waits for 0 of 1"):
        audience.check()


def test_a_sampled_viewer_who_hears_nothing_is_a_fault(
    gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dropcast_bench.audience._PATIENCE_S", 0.05)
    _, audience = gather()
    with pytest.raises(LineFault, match="2 viewers did not receive"):
        audience.play(lambda number: None, count=1, per_s=1000)


@pytest.mark.parametrize("numbers", [(0, 0), (1,), (0, 2)], ids=["twice", "too early", "with a gap"])
def test_an_event_out_of_order_is_a_fault(gather: Gather, numbers: tuple[int, ...]) -> None:
    room, audience = gather()
    for number in numbers:
        room.ends[0].send(event(number))
    with pytest.raises(LineFault, match=f"heard event {numbers[-1]} where"):
        audience.drain()


def test_a_line_that_the_server_closes_is_a_fault(gather: Gather) -> None:
    room, audience = gather()
    room.ends[0].close()
    with pytest.raises(LineFault, match="was closed"):
        audience.drain()


def test_an_event_that_comes_in_two_pieces_is_heard_once(gather: Gather) -> None:
    room, audience = gather(1, sampled=1)
    whole = event(0)
    audience.publish(lambda number: None)
    for piece in (whole[:12], whole[12:], event(1)[:1]):
        room.ends[0].send(piece)
        audience.drain()
    assert len(audience.latencies_s) == 1


def test_pings_are_answered_by_all_who_are_read(gather: Gather) -> None:
    room, audience = gather(4)
    for end in room.ends:
        end.send(b"\x89\x02hi")
    audience.drain()
    assert [end.recv(100) for end in room.ends] == [frames.pong(b"hi")] * 4
    assert audience.pings == 4


def test_those_who_are_not_sampled_have_their_turn_when_it_is_asked_for(gather: Gather) -> None:
    room, audience = gather(10, read_every_s=0.01)
    for end in room.ends:
        end.send(b"\x89\x00")
    waits_until_s = time.perf_counter() + 10
    while audience.pings < 10 and time.perf_counter() < waits_until_s:
        audience.listen(time.perf_counter() + 0.01)
    assert audience.pings == 10


def test_a_line_that_is_kept_answers_pings_and_hears_no_event(gather: Gather) -> None:
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        room, audience = gather(4, keep=[Line(here)])
        there.send(b"\x89\x00")
        audience.play(room.send, count=1, per_s=1000)
        audience.check()
        assert there.recv(100) == frames.pong(b"")
