"""A witness beside one viewer's socket: reads every frame before the SDK does, and believes nobody.

It counts deliveries, times the numbered ones, and checks that their numbers run without a gap or a repeat on
every socket and from one socket to the next. The SDK heals gaps by itself; here they would still be seen.
"""

import time
from collections.abc import Callable
from typing import Any, Protocol

import msgspec


class Times(Protocol):
    def record(self, value: int) -> None: ...


class Notebook(Protocol):
    """Where a witness puts down what it sees: a Tally, or what stands for one."""

    @property
    def fanout_us(self) -> Times: ...

    def count(self, name: str, by: int = 1) -> None: ...


class _Numbered(msgspec.Struct):
    seq: int


class _Frame(msgspec.Struct):
    """As much of a message as the witness looks at."""

    type: str
    show: str = ""
    re: int | None = None
    seq: int = 0
    epoch: str = ""
    at_ms: int | None = None
    recovered: bool = False
    events: list[_Numbered] | None = None


_DECODERS: dict[str, Callable[[bytes], Any]] = {
    "json": msgspec.json.Decoder(_Frame).decode,
    "msgpack": msgspec.msgpack.Decoder(_Frame).decode,
}


class Witness:
    """`times_fanout` False: this viewer's way to the server is not the shortest, so its times say nothing."""

    def __init__(
        self,
        tally: Notebook,
        *,
        show: str,
        codec: str,
        times_fanout: bool = True,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._tally = tally
        self._show = show
        self._decode = _DECODERS[codec]
        self._times_fanout = times_fanout
        self._now_s = now_s
        self._epoch: str | None = None
        self.seq = 0
        """The last numbered event that was seen."""

    def on_frame(self, payload: bytes, heard_at_s: float) -> None:
        """See one message. Both sides of the measured time are of one machine's wall clock."""
        now_s = self._now_s()
        frame: _Frame = self._decode(payload)
        if frame.re is not None:
            if frame.type == "watching" and frame.show == self._show:
                self._on_watching(frame)
            return
        self._tally.count("delivered")
        if frame.type == "resync":
            self._jump(frame)
        elif frame.at_ms is not None and frame.seq:
            self._tally.count("numbered")
            self._follow(frame.seq)
            if self._times_fanout:
                self._tally.fanout_us.record(round(now_s * 1_000_000) - frame.at_ms * 1_000)

    def _on_watching(self, frame: _Frame) -> None:
        if not frame.recovered:
            self._jump(frame)
            return
        for event in frame.events or ():
            self._follow(event.seq)
        self._arrive(frame.seq)
        self._tally.count("recovered")

    def _follow(self, seq: int) -> None:
        """Take in the next number. What was skipped counts once for each number."""
        if seq > self.seq + 1:
            self._tally.count("gaps", seq - self.seq - 1)
        elif seq <= self.seq:
            self._tally.count("duplicates")
        self.seq = max(self.seq, seq)

    def _jump(self, frame: _Frame) -> None:
        """A whole state: what lies before it will not be seen any more."""
        if self._epoch not in (None, frame.epoch):
            self.seq = frame.seq  # other numbers, which say nothing about those of before
        elif self._epoch is not None:
            self._arrive(frame.seq)
        self._epoch = frame.epoch
        self.seq = frame.seq

    def _arrive(self, seq: int) -> None:
        """The history goes on after `seq`: every number up to it should have been seen."""
        self._tally.count("gaps", max(0, seq - self.seq))
        self.seq = max(self.seq, seq)
