"""Trading: reserve and release. A trade is submitted and its outcome comes by callback: no task per message.

What one viewer may ask, and how many guests of one address may hold something, is decided here before a trade is
submitted: every reserve and every release passes here.
"""

from collections.abc import Callable
from time import monotonic

from dropcast.domain import trades
from dropcast.domain.faults import Fault, RateLimited
from dropcast.domain.hold import HoldState
from dropcast.domain.ids import hold_id
from dropcast.domain.ports import TradeDesk
from dropcast.domain.state import ShowState
from dropcast.domain.trades import Granted, Outcome
from dropcast.domain.viewer import Viewer
from dropcast.hub.room import Member
from dropcast.metrics import counts
from dropcast.service.buyer_limits import BuyerLimits, too_many
from dropcast.service.clock import EngineClock
from dropcast.service.guest_buyers import GuestBuyers
from dropcast.service.stage import Stage
from dropcast.wire.commands import Release, Reserve

Answer = Callable[[Outcome | Fault], None]


class Trading:
    def __init__(
        self,
        *,
        desk: TradeDesk,
        stage: Stage,
        clock: EngineClock,
        limits: BuyerLimits,
        guests_per_address_max: int,
    ) -> None:
        self._desk = desk
        self._stage = stage
        self._clock = clock
        # Not asked through a method of its own: this is the hottest path.
        self._reserves = limits.reserves
        self._others = limits.others
        self._guests = GuestBuyers(guests_per_address_max, self._state_of)

    def reserve(
        self, member: Member, viewer: Viewer, reserve: Reserve, answer: Answer, address: str = ""
    ) -> None:
        """Ask for a hold. `answer` is called once. Guests are counted by `address`; "" when it is not known."""
        if not self._reserves.take(viewer.id, monotonic()):
            answer(too_many("reserves"))
            return
        if viewer.guest and address:
            guest_answer = self._as_guest(viewer.id, reserve.show, address, answer)
            if guest_answer is None:
                answer(
                    RateLimited("too many guests of this address hold something in the show; try again later")
                )
                return
            answer = guest_answer
        hold = hold_id(viewer.id, reserve.key)
        live = self._stage.loaded(reserve.show)
        if live is not None:
            live.asked.ask(hold, member)

        def done(outcome: Outcome | Fault) -> None:
            answer(outcome)
            # A hold that is open may still be published; nothing is published for any other outcome.
            if live is not None:
                live.asked.answered(hold, _offset_of_open(outcome))

        trade = trades.Reserve(
            hold=hold, viewer=viewer.id, drop=reserve.drop, sku=reserve.sku, qty=reserve.qty
        )
        self._desk.submit(reserve.show, trade, done)

    def release(self, viewer: Viewer, release: Release, answer: Answer) -> None:
        """Give a hold back. `answer` is called once."""
        if not self._others.take(viewer.id, monotonic()):
            answer(too_many("releases"))
            return
        self._desk.submit(release.show, trades.Release(hold=release.hold, viewer=viewer.id), answer)

    def _as_guest(self, guest: str, show: str, address: str, answer: Answer) -> Answer | None:
        """Return what is to be called with the outcome of a guest's reserve, or None when there is no room."""
        if not self._guests.enter(show, address, guest, self._clock.now_ms()):
            counts.limited["guest_buyers_per_address_max"] += 1
            return None

        def done(outcome: Outcome | Fault) -> None:
            self._guests.leave(show, address, guest, outcome)
            answer(outcome)

        return done

    def _state_of(self, show: str) -> ShowState | None:
        live = self._stage.loaded(show)
        return live.state if live is not None else None


def _offset_of_open(outcome: Outcome | Fault) -> int | None:
    """Return the offset of an outcome whose hold is held, perhaps since now; None for any other."""
    if isinstance(outcome, Granted) and outcome.hold.state is HoldState.HELD:
        return outcome.offset
    return None
