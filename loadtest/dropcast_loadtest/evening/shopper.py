"""One viewer's mind with a memory of what they are about to do: events in, deeds out at their times. Pure.

behaviour.py decides; here is what it decided and when. visit.py carries the deeds out and tells how they ended.
"""

import heapq
from collections.abc import Sequence
from typing import NamedTuple

from dropcast_client import (
    DropOpened,
    DropUpdated,
    Event,
    Held,
    Refused,
    Restocked,
    Resynced,
    ShowEnded,
    ShowStarted,
)
from dropcast_loadtest.behaviour import Ending, Intent, Person, Reason, Tap

_NEVER = float("inf")


class Browse(NamedTuple):
    """Look through the drops that are open."""


class TapOn(NamedTuple):
    drop: str
    tap: Tap


class Finish(NamedTuple):
    """See a hold to its end."""

    held: Held
    ending: Ending


class BreakLine(NamedTuple):
    """Lose the connection, as people do in a lift."""


Deed = Browse | TapOn | Finish | BreakLine


class Shopper:
    """Times are seconds of one clock, which only goes forward."""

    def __init__(self, person: Person, now_s: float) -> None:
        self._person = person
        self._agenda: list[tuple[float, int, Deed]] = []
        self._planned = 0
        self._bought: set[str] = set()
        self._on_air = False
        self.is_over = False
        """Whether the show has ended: holds are paid at once then, and nothing else is done."""
        breaks_after_s = person.reconnects_after_s()
        self.line_breaks = breaks_after_s is not None
        if breaks_after_s is not None:
            self._plan(now_s + breaks_after_s, BreakLine())

    # What they hear --------------------------------------------------------------------------------------

    def hears(self, event: Event, now_s: float) -> None:
        match event:
            case Resynced(state=state):
                if state.show.status == "live":
                    self._goes_on_air(now_s)
                elif state.show.status == "ended":
                    self._ends()
            case ShowStarted():
                self._goes_on_air(now_s)
            case DropOpened(drop=view):
                self._consider(Reason.OPENED, view.drop, now_s)
            case Restocked(drop=drop):
                self._consider(Reason.RESTOCKED, drop, now_s)
            case DropUpdated(drop=drop):
                self._consider(Reason.UPDATED, drop, now_s)
            case ShowEnded():
                self._ends()
            case _:
                pass

    # What they do ----------------------------------------------------------------------------------------

    def wait_s(self, now_s: float) -> float:
        """Return how long there is nothing to do; infinite when nothing is planned."""
        return max(0.0, self._agenda[0][0] - now_s) if self._agenda else _NEVER

    def take(self, now_s: float) -> Deed | None:
        """Return what is to be done by now, or None."""
        if self._agenda and self._agenda[0][0] <= now_s:
            return heapq.heappop(self._agenda)[2]
        return None

    def choose(self, stock: dict[str, int]) -> str:
        return self._person.choose(stock)

    # How it ended ----------------------------------------------------------------------------------------

    def browsed(self, open_drops: Sequence[str], now_s: float) -> None:
        """They looked at what is open, the newest last."""
        if open_drops:
            self._consider(Reason.BROWSING, self._person.pick_drop(open_drops), now_s)
        self._plan(now_s + self._person.idle_s(), Browse())

    def reserved(self, deed: TapOn, answer: Held | Refused | None, now_s: float) -> None:
        """They tapped and got this answer, or none."""
        if isinstance(answer, Held):
            ending = self._person.ending()
            if ending.intent is not Intent.ABANDON:
                self._plan(now_s + ending.delay_s, Finish(answer, ending))
        elif isinstance(answer, Refused) and self._person.tries_again():
            self._plan(now_s + deed.tap.delay_s, deed)

    def bought(self, drop: str) -> None:
        self._bought.add(drop)

    # Inside ----------------------------------------------------------------------------------------------

    def _goes_on_air(self, now_s: float) -> None:
        if not self._on_air:
            self._on_air = True
            self._plan(now_s + self._person.idle_s(), Browse())

    def _ends(self) -> None:
        self.is_over = True
        holds = [deed for _, _, deed in self._agenda if isinstance(deed, Finish)]
        self._agenda.clear()
        for deed in holds:
            self._plan(0.0, deed)

    def _consider(self, reason: Reason, drop: str, now_s: float) -> None:
        if drop in self._bought and reason is not Reason.BROWSING:
            return
        tap = self._person.tap(reason)
        if tap is not None:
            self._plan(now_s + tap.delay_s, TapOn(drop, tap))

    def _plan(self, at_s: float, deed: Deed) -> None:
        if self.is_over and not isinstance(deed, Finish):
            return
        self._planned += 1
        heapq.heappush(self._agenda, (0.0 if self.is_over else at_s, self._planned, deed))
