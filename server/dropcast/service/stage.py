"""The shows that this worker follows: entered by the first viewer, left a while after the last.

Once a second each followed show is told to the engine with its number of viewers (a beat), which answers the
number over all workers and the tops of both logs.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

from dropcast.domain.faults import EngineAway, EngineFault, Fault
from dropcast.domain.ports import ShowStore, ShowTail
from dropcast.domain.show import Frozen, Show
from dropcast.metrics import counts
from dropcast.service import views
from dropcast.service.clock import EngineClock
from dropcast.service.live_show import LiveShow
from dropcast.service.sharing import ReadGate
from dropcast.service.show_reader import ShowReader
from dropcast.settings import Settings
from dropcast.troubles import Troubles
from dropcast.wire import messages

logger = logging.getLogger(__name__)

_ENTER_S = 10.0
_ENTERING_MAX = 2_048
"""Shows that may wait to be read for the first time: to a new worker the viewers of all shows come at once."""
_REST = 1.0
"""How long that reading rests, as a multiple of the time that a read took."""


class Stage:
    def __init__(
        self,
        *,
        store: ShowStore,
        reader: ShowReader,
        tail: ShowTail,
        clock: EngineClock,
        settings: Settings,
        worker: str,
        on_deadline: Callable[[LiveShow, int], None],
        on_due: Callable[[str, int], None],
        on_entered: Callable[[LiveShow], None],
        on_left: Callable[[str], None],
    ) -> None:
        """`on_deadline` hears of the deadlines of holds, `on_due` of the engine's next deadline of a show,
        `on_entered` of a show that is followed from now on, `on_left` of one that is followed no more."""
        self._store = store
        self._reader = reader
        self._tail = tail
        self._clock = clock
        self._settings = settings
        self._worker = worker
        self._on_deadline = on_deadline
        self._on_due = on_due
        self._on_entered = on_entered
        self._on_left = on_left
        self._shows: dict[str, LiveShow] = {}
        self._empty_since_s: dict[str, float] = {}
        self._gate = ReadGate(
            settings.show_reads_max, refused=_count_refused, rest=_REST, waiting_max=_ENTERING_MAX
        )
        self._subscribing: set[asyncio.Task[None]] = set()
        self._troubles = Troubles(logger)

    @property
    def followed(self) -> int:
        """How many shows are followed."""
        return len(self._shows)

    @property
    def watching(self) -> int:
        """How many sockets are in all rooms together."""
        return sum(len(live.room) for live in self._shows.values())

    def loaded(self, show: str) -> LiveShow | None:
        """Return the show when its state is known here."""
        live = self._shows.get(show)
        return live if live is not None and live.state is not None else None

    async def show(self, show: str) -> Show:
        """Return a show for a command with a token. Raises NotFound or an EngineFault."""
        live = self.loaded(show)
        if live is not None and live.state is not None:
            return live.state.show
        return (await self._reader.meta_for_host(show)).show

    async def enter(self, show: str) -> LiveShow:
        """Follow `show`, once for all who ask, and return it with its state.

        Raises NotFound, RateLimited or an EngineFault. When nobody waits for it any more it is given up.
        """
        live = self._shows.get(show)
        if live is None:
            # A show that is not there costs one small read, and no subscription.
            await self._reader.meta(show)
            live = self._shows.get(show) or self._follow(show)
        live.entering += 1
        try:
            async with asyncio.timeout(_ENTER_S):
                await asyncio.shield(live.ready)
        except TimeoutError as error:
            self._drop(live)
            raise EngineAway("the engine did not answer in time") from error
        except Fault:
            self._drop(live)
            raise
        finally:
            live.entering -= 1
            if not live.entering and live.state is None:
                self._drop(live)
        return live

    def _follow(self, show: str) -> LiveShow:
        self._leave_emptiest()
        live = LiveShow(show, self._store, self._settings, self._on_deadline, self._gate)
        self._shows[show] = live
        self._on_entered(live)
        self._change_subscription(self._subscribe(live))
        return live

    def _change_subscription(self, work: Coroutine[Any, Any, None]) -> None:
        """Subscribe or unsubscribe in a task of its own: the subscriptions of all shows share a connection, and a
        viewer's task that is cancelled while it writes to that connection would close it."""
        task = asyncio.get_running_loop().create_task(work)
        self._subscribing.add(task)
        task.add_done_callback(self._subscribing.discard)

    async def _subscribe(self, live: LiveShow) -> None:
        if self._shows.get(live.id) is not live:
            return  # given up already
        try:
            await self._tail.follow(live.id, live.on_publication, live.on_confirmed)
        except Fault as fault:
            live.fail(fault)

    def _leave_emptiest(self) -> None:
        """Make room for one more show that may be left again at once: follow so many without a viewer and no more."""
        if len(self._shows) < self._settings.empty_rooms_max:
            return
        empty = [live for live in self._shows.values() if not len(live.room) and not live.entering]
        if len(empty) >= self._settings.empty_rooms_max:
            counts.limited["empty_rooms_max"] += 1
            now_s = time.monotonic()
            self._drop(min(empty, key=lambda live: self._empty_since_s.get(live.id, now_s)))

    def _drop(self, live: LiveShow) -> None:
        if self._shows.get(live.id) is live:
            del self._shows[live.id]
            self._empty_since_s.pop(live.id, None)
            live.close()
            self._troubles.forget(live.id)
            self._troubles.forget((live.id, "thaw"))
            self._on_left(live.id)
            self._change_subscription(self._tail.unfollow(live.id))

    async def run(self) -> None:
        """Beat and tick until cancelled."""
        tick_s = self._settings.tick_ms / 1000
        next_tick_s = time.monotonic() + tick_s
        while True:
            await asyncio.sleep(self._settings.beat_ms / 1000)
            if time.monotonic() >= next_tick_s:
                next_tick_s += tick_s
                self._tick()
            await asyncio.gather(*(self._beat(live) for live in list(self._shows.values())))

    def _tick(self) -> None:
        payloads = views.encode(messages.Tick(server_time_ms=self._clock.now_ms()))
        for live in self._shows.values():
            live.room.send(payloads)

    async def _beat(self, live: LiveShow) -> None:
        if live.state is None:
            return
        if len(live.room) or live.entering:
            self._empty_since_s.pop(live.id, None)
        else:
            since_s = self._empty_since_s.setdefault(live.id, time.monotonic())
            if (time.monotonic() - since_s) * 1000 >= self._settings.room_linger_ms:
                self._drop(live)
                return
        asked_s = time.time()
        try:
            beat = await self._store.beat(live.id, self._worker, len(live.room))
        except EngineFault:
            return  # the store says so, once
        except Fault as fault:
            self._troubles.began(live.id, "show %s: no beat: %s", live.id, fault)
            return
        self._troubles.ended(live.id, "show %s: it beats again", live.id)
        self._clock.learn(beat.at_ms, asked_s, time.time())
        live.on_beat(beat)
        if beat.due_at_ms:
            self._on_due(live.id, beat.due_at_ms)
        if self._settings.thaw_after_restart and live.state.show.frozen is Frozen.LOST_HISTORY:
            await self._thaw(live)

    async def _thaw(self, live: LiveShow) -> None:
        try:
            # With its reason: what an operator has frozen meanwhile stays frozen.
            await self._store.thaw(live.id, Frozen.LOST_HISTORY)
        except EngineFault:
            return  # the next beat tries again
        except Fault as fault:
            self._troubles.began((live.id, "thaw"), "show %s: sales stay frozen: %s", live.id, fault)

    async def close(self) -> None:
        """Stop following everything."""
        for live in list(self._shows.values()):
            self._drop(live)
        await asyncio.gather(*self._subscribing, return_exceptions=True)


def _count_refused() -> None:
    counts.limited["show_reads_max"] += 1
