"""What HTTP may do in one turn of a worker's loop, so that live sockets do not wait for it: all connections together.

Beginning a request and parsing heads and chunks cost CPU, and a crowd of clients has more of both than a turn should
take. What is beyond a turn's share is done in the next ones, in the order in which it came.
"""

import asyncio
from collections import deque
from collections.abc import Callable

_BEGUN_PER_TURN = 2
_PARSED_BYTES_PER_TURN = 8_192


class FairTurns:
    def __init__(self) -> None:
        self._to_begin: deque[Callable[[], object]] = deque()
        self._to_parse: deque[Callable[[], object]] = deque()
        self._begun = 0
        self._parsed_bytes = 0
        self._is_next_due = False

    def begin(self, begin: Callable[[], object]) -> None:
        """Call `begin`, now or in one of the next turns."""
        self._arm()
        if self._begun < _BEGUN_PER_TURN and not self._to_begin:
            self._begun += 1
            begin()
        else:
            self._to_begin.append(begin)

    @property
    def may_parse(self) -> bool:
        """Whether something is left of this turn's share."""
        return self._parsed_bytes < _PARSED_BYTES_PER_TURN

    def parsed(self, size: int) -> None:
        """So many bytes were parsed. They count until the share is used up, or a request was begun: only then is the
        next turn needed, which begins a new share. So a few small heads cost no call of the loop."""
        self._parsed_bytes += size

    def parse_later(self, parse: Callable[[], object]) -> None:
        """Call `parse` in one of the next turns, when something of its share is left."""
        self._to_parse.append(parse)
        self._arm()

    def _arm(self) -> None:
        if not self._is_next_due:
            self._is_next_due = True
            asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._is_next_due = False
        self._parsed_bytes = 0
        self._begun = min(_BEGUN_PER_TURN, len(self._to_begin))
        if self._begun or self._to_parse:
            self._arm()
        for _ in range(self._begun):
            self._to_begin.popleft()()
        for _ in range(len(self._to_parse)):
            if not self.may_parse:
                break
            self._to_parse.popleft()()
