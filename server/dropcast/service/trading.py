"""Trading: reserve and release. A trade is submitted and its outcome comes by callback: no task per message."""

from collections.abc import Callable

from dropcast.domain import trades
from dropcast.domain.faults import Fault
from dropcast.domain.hold import HoldState
from dropcast.domain.ids import hold_id
from dropcast.domain.ports import TradeDesk
from dropcast.domain.trades import Granted, Outcome
from dropcast.domain.viewer import Viewer
from dropcast.hub.room import Member
from dropcast.service.stage import Stage
from dropcast.wire.commands import Release, Reserve

Answer = Callable[[Outcome | Fault], None]


class Trading:
    def __init__(self, *, desk: TradeDesk, stage: Stage) -> None:
        self._desk = desk
        self._stage = stage

    def reserve(self, member: Member, viewer: Viewer, reserve: Reserve, answer: Answer) -> None:
        """Ask for a hold. `answer` is called once."""
        hold = hold_id(viewer.id, reserve.key)
        live = self._stage.loaded(reserve.show)
        if live is not None:
            live.asked.ask(hold, member)

        def done(outcome: Outcome | Fault) -> None:
            answer(outcome)
            # A new hold's own publication takes the entry out; nothing is published for any other outcome.
            if live is not None:
                live.asked.answered(hold, _offset_of_open(outcome))

        trade = trades.Reserve(
            hold=hold, viewer=viewer.id, drop=reserve.drop, sku=reserve.sku, qty=reserve.qty
        )
        self._desk.submit(reserve.show, trade, done)

    def release(self, viewer: Viewer, release: Release, answer: Answer) -> None:
        """Give a hold back. `answer` is called once."""
        self._desk.submit(release.show, trades.Release(hold=release.hold, viewer=viewer.id), answer)


def _offset_of_open(outcome: Outcome | Fault) -> int | None:
    """Return the offset of an outcome whose hold is held, perhaps since now; None for any other."""
    if isinstance(outcome, Granted) and outcome.hold.state is HoldState.HELD:
        return outcome.offset
    return None
