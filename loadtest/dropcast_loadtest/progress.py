"""What a process of the load test tells: one JSON object a line on its standard output.

`progress` lines carry only what is new since the last one, so whoever reads adds them up, over processes too.
"""

import sys
from typing import BinaryIO

import msgspec


class _Line(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    pass


class Ready(_Line, frozen=True, kw_only=True, tag="ready"):
    """Everyone of this process is connected and watches the show."""

    viewers: int


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """An order as a viewer was told of it."""

    order: str
    viewer: str
    drop: str
    sku: str
    qty: int
    amount_minor: int


class Progress(_Line, frozen=True, kw_only=True, tag="progress"):
    """What has happened since the last line. tally.py names the counts."""

    counts: dict[str, int] = {}
    fanout_us: dict[int, int] = {}
    """A histogram: how many deliveries took up to so many microseconds and fell into no smaller bucket."""
    receipts: list[Receipt] = []
    unknown_holds: list[str] = []
    """Holds whose payment got no answer: each may be an order or not."""


class Stepped(_Line, frozen=True, kw_only=True, tag="stepped"):
    """The creator did something."""

    act: str
    drop: str = ""
    """The drop's id."""
    text: str = ""


class Trouble(_Line, frozen=True, kw_only=True, tag="trouble"):
    """Something failed that should not have."""

    message: str


class Done(_Line, frozen=True, kw_only=True, tag="done"):
    """The process has come to its end in good order."""


Line = Ready | Progress | Stepped | Trouble | Done

_encode = msgspec.json.Encoder().encode


class Reporter:
    """Writes lines. Whoever started the process reads them as they come."""

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = sys.stdout.buffer if stream is None else stream

    def tell(self, line: Line) -> None:
        self._stream.write(_encode(line) + b"\n")
        self._stream.flush()
