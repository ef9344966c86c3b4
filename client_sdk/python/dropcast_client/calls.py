"""Calls under way: commands that wait for their reply. Pure; times are seconds of the caller's clock.

Every command may be said again after a lost connection: either it carries a key, or its effect is the same
when it is carried out twice. It keeps its id and its bytes.
"""

import msgspec

from dropcast_client.commands import Command
from dropcast_client.errors import Disconnected, DropcastError, OutcomeUnknown


class Call(msgspec.Struct):
    command: Command
    payload: bytes
    deadline_s: float
    show: str
    """The show that it is about, or ""."""
    ever_sent: bool = False
    on_wire: bool = False
    """Whether it was sent on the socket of now."""
    sent_at_s: float = 0.0

    def failure(self, code: int, reason: str) -> DropcastError:
        """Return what is known of a call that will get no answer."""
        return OutcomeUnknown(self.command) if self.ever_sent else Disconnected(code, reason)


class Calls:
    """The calls of one session by id, in the order in which they were made."""

    def __init__(self) -> None:
        self._calls: dict[int, Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, call: Call) -> None:
        self._calls[call.command.id] = call

    def pop(self, number: int) -> Call | None:
        return self._calls.pop(number, None)

    def socket_lost(self) -> None:
        for call in self._calls.values():
            call.on_wire = False

    def unsent(self) -> list[Call]:
        """Return the calls that are not on the socket of now, the oldest first."""
        return [call for call in self._calls.values() if not call.on_wire]

    def take_due(self, now_s: float) -> list[Call]:
        due = [call for call in self._calls.values() if call.deadline_s <= now_s]
        for call in due:
            del self._calls[call.command.id]
        return due

    def take_all(self) -> list[Call]:
        calls = list(self._calls.values())
        self._calls.clear()
        return calls

    def next_deadline_s(self) -> float:
        return min((call.deadline_s for call in self._calls.values()), default=float("inf"))
