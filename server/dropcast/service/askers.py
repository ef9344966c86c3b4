"""Who asked for a hold: that socket is told by its reply, and not by a personal event besides.

Trading notes who asks and that it is answered; the live show takes an entry out with the hold's own publication. Of a
hold that was there before, none comes: its entry goes when the show has come to where it was answered.
"""

from collections import deque

from dropcast.hub.room import Member


class Askers:
    def __init__(self) -> None:
        self._by_hold: dict[str, Member] = {}
        self._answered: deque[tuple[int, str]] = deque()
        """Holds whose reply came before their publication could have, with the offset of the reply."""
        self._offset = 0

    def __len__(self) -> int:
        return len(self._by_hold)

    def ask(self, hold: str, member: Member) -> None:
        self._by_hold[hold] = member

    def told(self, hold: str) -> Member | None:
        """Return who asked for a hold that is published now, and forget it."""
        return self._by_hold.pop(hold, None)

    def answered(self, hold: str, offset: int | None) -> None:
        """The asker has its reply: at `offset` when the hold is open, else None, for then nothing is published."""
        if offset is None or offset <= self._offset:
            self._by_hold.pop(hold, None)
        elif hold in self._by_hold:
            self._answered.append((offset, hold))

    def come_to(self, offset: int) -> None:
        """Everything up to `offset` is published."""
        self._offset = offset
        while self._answered and self._answered[0][0] <= offset:
            self._by_hold.pop(self._answered.popleft()[1], None)

    def forget(self) -> None:
        """Offsets count anew."""
        self._by_hold.clear()
        self._answered.clear()
        self._offset = 0
