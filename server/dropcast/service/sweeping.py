"""Sweeping: holds end, drops open and close within a second of their time, whichever worker lives.

Each worker sweeps the shows that it follows, by their next deadline; one worker at a time, by a lease, looks
after all others. The engine decides what is due, so that sweeping twice or early does no harm.
"""

import asyncio
import functools
import random

from dropcast.domain.faults import EngineAway, Fault
from dropcast.domain.ports import ShowStore, TradeDesk
from dropcast.domain.show import Show, ShowStatus
from dropcast.domain.trades import Expire, Outcome
from dropcast.metrics import counts
from dropcast.service.alarm import Alarm
from dropcast.service.clock import EngineClock
from dropcast.service.frozen import FrozenSales
from dropcast.service.live_show import LiveShow

LEASE = "sweeper"
_LEASE_MS = 500
"""With the round: how long it takes at most until another worker sees to what a dead one had the lease for."""
_ROUND_S = 0.4
_LATE_MS = 20
"""A sweep comes this long after the deadline, so that a clock a little ahead does not ask in vain."""
_SPREAD_MS = 150
"""Workers that follow the same show spread their sweeps: most find the work done."""
_AGAIN_MS = 250
_PAGE = 200
_HOLDS_AFTER_END_MS = 25 * 3_600_000


class Sweeper:
    def __init__(
        self, *, store: ShowStore, desk: TradeDesk, clock: EngineClock, frozen: FrozenSales, worker: str
    ) -> None:
        self._store = store
        self._frozen = frozen
        self._desk = desk
        self._clock = clock
        self._worker = worker
        self._alarms: dict[str, Alarm] = {}
        self._followed: dict[str, LiveShow] = {}

    def on_deadline(self, live: LiveShow, deadline_ms: int) -> None:
        """In a followed show a hold ends, or a drop opens or closes, at `deadline_ms` by the engine's clock."""
        self.on_due(live.id, deadline_ms)

    def on_due(self, show: str, deadline_ms: int) -> None:
        """Something of `show` is due at `deadline_ms` by the engine's clock."""
        wait_ms = max(0, deadline_ms - self._clock.now_ms()) + _LATE_MS + random.randrange(_SPREAD_MS)
        self._set(show, wait_ms)

    def _set(self, show: str, wait_ms: int) -> None:
        alarm = self._alarms.get(show)
        if alarm is None:
            alarm = self._alarms[show] = Alarm(functools.partial(self._sweep, show))
        alarm.set(asyncio.get_running_loop().time() + wait_ms / 1000)

    def _sweep(self, show: str) -> None:
        del self._alarms[show]

        def done(outcome: Outcome | Fault) -> None:
            if isinstance(outcome, Fault):
                self._set(show, _AGAIN_MS)
                return
            live = self._followed.get(show)
            deadline_ms = (
                live.state.next_deadline_ms() if live is not None and live.state is not None else None
            )
            if deadline_ms is not None:
                self._set(show, max(_AGAIN_MS, deadline_ms - self._clock.now_ms() + _LATE_MS))

        counts.sweeps["followed"] += 1
        self._desk.submit(show, Expire(), done)

    def follow(self, live: LiveShow) -> None:
        """The show is followed from now on: its deadlines are told, by itself and by its beats."""
        self._followed[live.id] = live

    def forget(self, show: str) -> None:
        """The show is followed no more; the lease covers it."""
        self._followed.pop(show, None)

    async def run(self) -> None:
        """Look after the shows that nobody follows, while this worker has the lease. Until cancelled."""
        while True:
            await asyncio.sleep(_ROUND_S)
            try:
                if await self._store.take_lease(LEASE, self._worker, _LEASE_MS):
                    await self._sweep_all()
            except Fault:
                continue  # of the engine: the store says so, once

    async def _sweep_all(self) -> None:
        for live in list(self._followed.values()):
            if live.state is not None and self._frozen.concerns(live.state.show):
                await self._look(live.state.show)
        after = ""
        while True:
            shows = await self._store.shows(after, _PAGE, but=self._followed)
            for show in shows:
                await self._look(show, sweeps=True)
            if len(shows) < _PAGE:
                return
            after = shows[-1].id

    async def _look(self, show: Show, *, sweeps: bool = False) -> None:
        try:
            if sweeps and self._may_have_dues(show):
                counts.sweeps["lease"] += 1
                await self._desk.trade(show.id, Expire())
            await self._frozen.look(show)
        except EngineAway:
            raise
        except Fault:
            # Of this show alone, perhaps: the others must not wait for it.
            return

    def _may_have_dues(self, show: Show) -> bool:
        if show.status is ShowStatus.ENDED:
            return self._clock.now_ms() - show.ended_at_ms < _HOLDS_AFTER_END_MS
        return show.status is ShowStatus.LIVE
