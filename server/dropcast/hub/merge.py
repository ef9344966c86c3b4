"""Merge what the event log still has with what the ring has: exactly the events after `since`, or a gap."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Numbered(msgspec.Struct, Generic[T], frozen=True):
    seq: int
    value: T


def merge(since: int, top: int, *sources: Sequence[Numbered[T]]) -> list[T] | None:
    """Return the values of since + 1 .. top, each once, from overlapping ascending `sources`.

    None is the answer "gap": one of them is in no source. Values above `top` are left out.
    """
    values: list[T] = []
    expected = since + 1
    for source in sources:
        for item in source:
            if item.seq == expected and expected <= top:
                values.append(item.value)
                expected += 1
    return values if expected > top else None
