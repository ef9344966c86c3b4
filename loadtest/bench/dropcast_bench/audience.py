"""Those who listen to a show: most lines are read now and then, some at once and by the clock.

What is not read at once waits in the kernel, and costs the generator one read for many messages; nor does it wake
the generator in the midst of the server's writing, which no viewer on another machine does. The sampled lines are
spread evenly over the others in the order of their arrival, since servers write in that order or in a random one.

Events are numbered, and every line, sampled or not, must hear each of them once and in order.
"""

import contextlib
import select
import time
from collections.abc import Callable, Iterable, Sequence

from dropcast_bench import frames
from dropcast_bench.announcements import NUMBER
from dropcast_bench.lines import READ, RECEIVE_BYTES, Line, LineFault

SAMPLED = 64
_PATIENCE_S = 20.0
_TURN_S = 0.005
"""How often some of the other lines have their turn, where they are read by the way."""


class Ear:
    """One line, and what it has heard. Pings are answered as they come."""

    __slots__ = ("_line", "_rest", "due", "fd", "payload_bytes", "pings")

    def __init__(self, line: Line, due: int) -> None:
        self.fd = line.fd
        self.due = due
        """The number of the event that must come next."""
        self.payload_bytes = 0
        """How many bytes the frame of the first event carried."""
        self.pings = 0
        """How many were answered."""
        self._line = line
        self._rest = b""

    def hear(self) -> range:
        """Read what is there, and return the numbers of the events in it. Raises BlockingIOError and LineFault."""
        try:
            came = self._line.recv(RECEIVE_BYTES)
        except ConnectionError as error:
            raise LineFault(f"a viewer's line broke: {error}") from error
        if not came:
            raise LineFault("a viewer's line was closed")
        data = self._rest + came
        answers, end = frames.scan(data)
        self._rest = data[end:]
        if answers:
            self._line.send(answers)
            self.pings += 1
        first = self.due
        for number in NUMBER.findall(data, 0, end):
            if int(number) != self.due:
                raise LineFault(f"a viewer heard event {int(number)} where {self.due} was due")
            self.due += 1
        if not self.payload_bytes and self.due > first:
            self.payload_bytes = next(len(one) for one in frames.payloads(data)[0] if NUMBER.search(one))
        return range(first, self.due)

    def drain(self) -> None:
        """Read until nothing is there."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.hear()


class Audience:
    def __init__(
        self,
        lines: Sequence[Line],
        *,
        sampled: int = SAMPLED,
        first: int = 0,
        read_every_s: float | None = None,
        keep: Iterable[Line] = (),
    ) -> None:
        """`first` is the number of the first event to come.

        With `read_every_s` the lines that are not sampled are read that often while it listens; otherwise only by
        `check` and `drain`. `keep` are lines that hear no event but are read and answer pings, as a publisher's.
        """
        every = max(1, len(lines) // max(1, sampled))
        chosen = set(range(every // 2, len(lines), every))
        self._sampled = {line.fd: Ear(line, first) for number, line in enumerate(lines) if number in chosen}
        self._others = [Ear(line, first) for number, line in enumerate(lines) if number not in chosen]
        self._kept = [Ear(line, first) for line in keep]
        self._read_every_s = read_every_s
        self._turn_of = 0
        self._turn_at_s = time.perf_counter()
        self._published_s: dict[int, float] = {}
        self.next = first
        """The number of the next event to be published."""
        self.latencies_s: list[float] = []
        """From publishing to receipt, by event and sampled line."""
        self._poll = select.epoll()
        for fd in self._sampled:
            self._poll.register(fd, READ)

    @property
    def payload_bytes(self) -> int:
        """How many bytes an event's frame carried, where nothing else rode in it."""
        return min(ear.payload_bytes for ear in self._sampled.values())

    @property
    def pings(self) -> int:
        """How many pings were answered."""
        return sum(ear.pings for ear in (*self._sampled.values(), *self._others))

    def play(self, publish: Callable[[int], object], *, count: int, per_s: float) -> None:
        """Publish `count` events at a steady pace, listen to them, and wait until the sampled lines have them all."""
        start_s = time.perf_counter()
        for turn in range(count):
            self.listen(start_s + turn / per_s)
            self.publish(publish)
        self.listen(start_s + count / per_s)
        patient_until_s = time.perf_counter() + _PATIENCE_S
        while any(ear.due < self.next for ear in self._sampled.values()):
            if time.perf_counter() > patient_until_s:
                raise LineFault(self._missing(self._sampled.values()))
            self.listen(time.perf_counter() + _TURN_S)

    def publish(self, publish: Callable[[int], object]) -> None:
        """Publish the next event, and note when."""
        self._published_s[self.next] = time.perf_counter()
        publish(self.next)
        self.next += 1

    def listen(self, until_s: float) -> None:
        """Read the sampled lines as messages come, until `until_s` of time.perf_counter."""
        turns = self._read_every_s is not None
        while (left_s := until_s - time.perf_counter()) > 0:
            for fd, _ in self._poll.poll(min(left_s, _TURN_S) if turns else left_s):
                self._time(self._sampled[fd])
            if turns:
                self._take_turns()

    def _time(self, ear: Ear) -> None:
        with contextlib.suppress(BlockingIOError):
            heard = ear.hear()
            now_s = time.perf_counter()
            self.latencies_s += [now_s - self._published_s[number] for number in heard]

    def _take_turns(self) -> None:
        """Drain as many of the other lines as are due by now."""
        assert self._read_every_s is not None
        quiet = self._others + self._kept
        now_s = time.perf_counter()
        share = int((now_s - self._turn_at_s) / self._read_every_s * len(quiet))
        if not share:
            return
        self._turn_at_s = now_s
        for turn in range(self._turn_of, self._turn_of + min(share, len(quiet))):
            quiet[turn % len(quiet)].drain()
        self._turn_of = (self._turn_of + share) % len(quiet)

    def drain(self) -> None:
        """Read all lines until nothing is there."""
        for fd, _ in self._poll.poll(0):
            self._time(self._sampled[fd])
        for ear in self._others:
            ear.drain()
        for ear in self._kept:
            ear.drain()

    def check(self) -> None:
        """Read all lines until each has every event that was published. Raises LineFault when one has not."""
        ends_at_s = time.perf_counter() + _PATIENCE_S
        while True:
            self.drain()
            late = [ear for ear in (*self._sampled.values(), *self._others) if ear.due < self.next]
            if not late:
                return
            if time.perf_counter() > ends_at_s:
                raise LineFault(self._missing(late))
            time.sleep(_TURN_S)

    def _missing(self, ears: Iterable[Ear]) -> str:
        late = [ear for ear in ears if ear.due < self.next]
        worst = min(ear.due for ear in late)
        return f"{len(late)} viewers did not receive every event: one still waits for {worst} of {self.next}"

    def close(self) -> None:
        """Stop listening; the lines stay open."""
        self._poll.close()
