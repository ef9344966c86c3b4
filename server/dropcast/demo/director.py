"""The director: opens the doors, puts the show on air, closes it, and gathers the evidence.

The creator and the crowd are processes of their own that come in by the server's front doors; the director
itself only reads the engine, to draw the scene and to close the books.
"""

import asyncio
import secrets
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import IO, Any

from dropcast.demo.cast import Cast, Server, creator_config, crowd_configs
from dropcast.demo.door import Door, DoorFault
from dropcast.demo.lines import Line, Progress, Ready, Step, Stepped
from dropcast.demo.processes import Helper
from dropcast.demo.scene import make_scene
from dropcast.demo.screen import Screen
from dropcast.demo.tally import Tally
from dropcast.demo.verdict import Evidence, allocation
from dropcast.domain.books import audit
from dropcast.domain.events import Event, JournalEntry, Snapshot
from dropcast.domain.faults import Fault
from dropcast.domain.ports import ProductStore, ShowStore

_DRAW_EVERY_S = 0.2
_COUNT_VIEWERS_EVERY = 5
_LOG_PAGE = 1_000
_OPEN_S = 60.0
_END_S = 25.0
_SETTLE_S = 6.0


class NeverOnAir(Exception):
    """The show did not begin; the message says why."""


class Director:
    def __init__(
        self,
        *,
        server: Server,
        shows: ShowStore,
        products: ProductStore,
        cast: Cast,
        screen: Screen,
        log: IO[bytes] | None = None,
    ) -> None:
        """`log` takes what the processes write to stderr; None: where ours goes."""
        self._server = server
        self._shows = shows
        self._products = products
        self._cast = cast
        self._screen = screen
        self._show = f"demo-{secrets.token_hex(4)}"
        self._door = Door(server.url, server.token(cast.creator, "creator", 3600))
        self._creator = Helper("the creator", "creator", self._on_creator, log=log)
        self._crowd = [
            Helper(f"crowd process {number + 1}", "crowd", self._on_crowd, log=log)
            for number in range(cast.processes)
        ]
        self._tally = Tally()
        self._arrived = 0
        self._viewers = 0
        self._carried_out: list[Stepped] = []
        self._caption = "The doors are open."
        self._started_at_s: float | None = None
        self._live_s: float | None = None
        self.interrupted = asyncio.Event()
        """Set it to end the show early, in order."""

    async def run(self) -> Evidence:
        """Play the whole show. Raises NeverOnAir, DoorFault and the engine's faults."""
        drawing: asyncio.Task[None] | None = None
        try:
            await self._open_doors()
            drawing = asyncio.create_task(self._draw())
            await self._fill_the_house()
            await self._go_on_air()
            await self._close()
            return await self._gather()
        finally:
            if drawing is not None:
                drawing.cancel()
                await asyncio.wait((drawing,))
            await asyncio.gather(*(helper.stop() for helper in self._helpers))

    @property
    def _helpers(self) -> list[Helper]:
        return [self._creator, *self._crowd]

    # The evening, in order -------------------------------------------------------------------------------

    async def _open_doors(self) -> None:
        await self._products.put(self._cast.products)
        await self._door.schedule(self._show, title=self._cast.title, currency=self._cast.currency)
        self._screen.say(f"{self._cast.viewers} viewers are coming in ...")
        await self._creator.start(creator_config(self._server, self._cast, self._show))
        configs = crowd_configs(self._server, self._cast, self._show)
        await asyncio.gather(
            *(helper.start(config) for helper, config in zip(self._crowd, configs, strict=True))
        )

    async def _fill_the_house(self) -> None:
        timeout_s = _OPEN_S + self._cast.viewers / 50
        came = await self._wait_for(self._all_ready(), timeout_s)
        if self.interrupted.is_set():
            raise NeverOnAir("interrupted before the show began")
        faults = [fault for helper in self._helpers for fault in helper.faults]
        if faults:
            raise NeverOnAir("; ".join(faults))
        if not came:
            raise NeverOnAir(
                f"only {self._arrived} of {self._cast.viewers} viewers came in within {timeout_s:g} s"
            )

    async def _all_ready(self) -> None:
        for helper in self._helpers:
            await helper.ready.wait()

    async def _go_on_air(self) -> None:
        await self._door.start(self._show)
        self._started_at_s = time.monotonic()
        self._say("On air.")
        await self._wait_for(self._crowd_gone(), self._cast.seconds)

    async def _crowd_gone(self) -> None:
        for helper in self._crowd:
            await helper.ended.wait()

    async def _wait_for(self, work: Coroutine[Any, Any, None], timeout_s: float) -> bool:
        """Wait until `work` is done, the time is over, or somebody interrupts. Return whether it is done."""
        working = asyncio.create_task(work)
        interrupted = asyncio.create_task(self.interrupted.wait())
        waiting = (working, interrupted)
        try:
            await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            return working.done()
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)

    async def _close(self) -> None:
        assert self._started_at_s is not None
        await self._door.end(self._show)
        self._live_s = time.monotonic() - self._started_at_s
        self._say("The show has ended; the last buyers pay.")
        await asyncio.gather(*(helper.end(_END_S) for helper in self._helpers))
        self._say("Waiting for the holds that were left.")
        await self._settle()
        self._say("The books are closed.")

    async def _settle(self) -> None:
        """Wait until no hold is open any more, or for as long as that may take."""
        deadline_s = time.monotonic() + self._cast.plan.hold_ms / 1000 + _SETTLE_S
        while time.monotonic() < deadline_s:
            if not (await self._shows.read(self._show)).holds:
                return
            await asyncio.sleep(_DRAW_EVERY_S)

    async def _gather(self) -> Evidence:
        assert self._live_s is not None
        snapshot = await self._shows.read(self._show)
        # In the order that the books ask for: whatever happens in between is in the journal.
        orders = await self._shows.orders(self._show)
        journal = await self._read_journal()
        self._draw_once(snapshot)
        return Evidence(
            viewers=self._cast.viewers,
            arrived=self._arrived,
            seconds=self._live_s,
            snapshot=snapshot,
            journal=journal,
            orders=orders,
            books=audit(snapshot, journal, orders, await self._read_events()),
            given=allocation(self._cast.plan.steps, self._carried_out),
            tally=self._tally,
            faults=[fault for helper in self._helpers for fault in helper.faults],
            interrupted=self.interrupted.is_set(),
        )

    async def _read_journal(self) -> list[JournalEntry]:
        entries: list[JournalEntry] = []
        while page := await self._shows.journal(self._show, entries[-1].offset if entries else 0, _LOG_PAGE):
            entries += page
        return entries

    async def _read_events(self) -> list[Event]:
        events: list[Event] = []
        while page := await self._shows.events(self._show, events[-1].seq if events else 0, _LOG_PAGE):
            events += page
        return events

    # What the helpers tell, and the picture --------------------------------------------------------------

    def _on_crowd(self, line: Line) -> None:
        if isinstance(line, Progress):
            self._tally.take(line, time.monotonic())
        elif isinstance(line, Ready):
            self._arrived += line.viewers

    def _on_creator(self, line: Line) -> None:
        if isinstance(line, Stepped):
            step = self._cast.plan.steps[len(self._carried_out)]
            self._carried_out.append(line)
            self._say(in_words(step))

    def _say(self, text: str) -> None:
        self._caption = text
        self._screen.say(text)

    async def _draw(self) -> None:
        drawn = 0
        while True:
            # A picture that cannot be had is left out: the show goes on without it.
            with suppress(DoorFault, Fault):
                if drawn % _COUNT_VIEWERS_EVERY == 0 and self._live_s is None:
                    # The creator watches too.
                    self._viewers = max(0, await self._door.viewers(self._show) - 1)
                self._draw_once(await self._shows.read(self._show))
            drawn += 1
            await asyncio.sleep(_DRAW_EVERY_S)

    def _draw_once(self, snapshot: Snapshot) -> None:
        now_s = time.monotonic()
        self._tally.pass_time(now_s)
        elapsed_s = self._live_s
        if elapsed_s is None:
            elapsed_s = now_s - self._started_at_s if self._started_at_s is not None else 0.0
        self._screen.draw(
            make_scene(
                snapshot,
                self._tally,
                viewers=self._viewers,
                elapsed_s=elapsed_s,
                seconds=self._cast.seconds,
                caption=self._caption,
            )
        )


def in_words(step: Step) -> str:
    """Return what the creator did, as the caption has it."""
    units = sum(step.units.values())
    match step.act:
        case "announce":
            return f"The creator says: {step.text}"
        case "pin":
            return f"Pinned {step.text}: {units} {'unit' if units == 1 else 'units'}, {step.limit} a buyer at most."
        case "top_up":
            return f"{units} more of {step.text}."
        case "reprice":
            return f"Now at a better price: {step.text}."
        case _:
            return f"Unpinned {step.text}."
