"""Which sockets' tokens expire when: one sweep a second instead of a timer for each. Pure; times are given."""

import math
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Expiries(Generic[T]):
    """Members by the second in which they expire. Each is in one place at most."""

    def __init__(self) -> None:
        self._by_second: dict[int, set[T]] = {}
        self._second_of: dict[T, int] = {}

    def __len__(self) -> int:
        return len(self._second_of)

    def put(self, member: T, expires_at_s: float) -> None:
        """Note when `member` expires, in place of what was noted before."""
        self.discard(member)
        second = math.ceil(expires_at_s)
        self._second_of[member] = second
        self._by_second.setdefault(second, set()).add(member)

    def discard(self, member: T) -> None:
        second = self._second_of.pop(member, None)
        if second is not None:
            members = self._by_second[second]
            members.discard(member)
            if not members:
                del self._by_second[second]

    def pop_due(self, now_s: float) -> Iterator[T]:
        """Take out and yield whoever has expired by now."""
        for second in [second for second in self._by_second if second <= now_s]:
            for member in self._by_second.pop(second):
                del self._second_of[member]
                yield member
