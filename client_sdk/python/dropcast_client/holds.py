"""A viewer's holds in one show, by id, each with the journal offset that it is true of. Pure."""

from collections.abc import Iterable

from msgspec.structs import replace

from dropcast_client.commands import Checkout, Command, Release
from dropcast_client.events import Unknown
from dropcast_client.messages import Held, Refused, Released, Reply, Sold
from dropcast_client.parts import HoldView

_OPEN = frozenset({"held", "paying"})


class Holds:
    """Closed holds are kept as well, so that older news cannot open them again, until a full list comes."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, HoldView]] = {}

    def open(self) -> tuple[HoldView, ...]:
        """Return the holds that keep units aside and are not paid yet, as far as they are known."""
        return tuple(hold for _, hold in self._known.values() if hold.state in _OPEN)

    def learn(self, hold: HoldView, offset: int) -> bool:
        """Take in one hold. Return False when something newer is known of it."""
        known = self._known.get(hold.hold)
        if known is not None and known[0] > offset:
            return False
        self._known[hold.hold] = (offset, hold)
        return True

    def close(self, hold: str, state: str, offset: int, order: str = "") -> None:
        """A hold that is known came to its end."""
        known = self._known.get(hold)
        if known is not None and known[0] <= offset:
            self._known[hold] = (offset, replace(known[1], state=state, order=order or known[1].order))

    def replace(self, holds: Iterable[HoldView], offset: int) -> None:
        """Take in the list of all open holds, true of `offset`: what is not newer and not in it is gone."""
        newer = {hold: known for hold, known in self._known.items() if known[0] > offset}
        self._known = {hold.hold: (offset, hold) for hold in holds} | newer

    def forget_offsets(self) -> None:
        """History was replaced: offsets of before say nothing about those that come."""
        self._known = {hold: (-1, known[1]) for hold, known in self._known.items()}


def learn_from_reply(holds: Holds, command: Command, reply: Reply | Unknown) -> None:
    """Take in what the answer to a command says of a hold."""
    match command, reply:
        case _, Held():
            hold = HoldView(
                hold=reply.hold,
                drop=reply.drop,
                sku=reply.sku,
                qty=reply.qty,
                state=reply.state,
                expires_at_ms=reply.expires_at_ms,
                amount_minor=reply.amount_minor,
                order=reply.order,
            )
            holds.learn(hold, reply.offset)
        case _, Released():
            holds.close(reply.hold, "released", reply.offset)
        case _, Sold():
            holds.close(reply.hold, "sold", reply.offset, reply.order)
        case Release() | Checkout(), Refused(reason="expired" | "released" | "sold"):
            holds.close(command.hold, reply.reason, reply.offset)
        case _:
            pass
