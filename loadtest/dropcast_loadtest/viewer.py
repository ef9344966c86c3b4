"""One viewer of the crowd: a person in front of the SDK. Events come in, the person decides, tasks carry it out.

The person taps on cards, holds units, pays, gives back or forgets; and when their line is bad it breaks once
in mid-show. What they see and get is told to the tally.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Literal

from dropcast_client import (
    Backoff,
    Client,
    Connection,
    DropcastError,
    DropOpened,
    DropUpdated,
    Event,
    Held,
    HoldExpired,
    OrderConfirmed,
    Phase,
    Refused,
    Restocked,
    ShowEnded,
    ShowStarted,
    Subscription,
)
from dropcast_loadtest.behaviour import Intent, Person, Reason, Tap
from dropcast_loadtest.buyer import Buyer
from dropcast_loadtest.config import CrowdConfig, Ticket
from dropcast_loadtest.relay import Relay
from dropcast_loadtest.tally import Tally
from dropcast_loadtest.witness import Witness

_ENTER_S = 60.0


class Viewer:
    def __init__(self, config: CrowdConfig, ticket: Ticket, person: Person, tally: Tally) -> None:
        self._config = config
        self._ticket = ticket
        self._person = person
        self._tally = tally
        self.arrived = asyncio.Event()
        """Set once this viewer watches the show, or cannot."""
        self.fault: DropcastError | None = None
        """Why this viewer could not come in."""
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._bought: set[str] = set()
        self._connections = 0
        self._breaks_after_s = person.reconnects_after_s()
        self._relay: Relay | None = None
        self._subscription: Subscription | None = None

    async def run(self, door: asyncio.Semaphore) -> None:
        """Come in through the door when it is this viewer's turn, and stay until the show is over."""
        if self._breaks_after_s is None:
            await self._attend(self._config.url, door)
        else:
            async with Relay(self._config.url) as self._relay:
                await self._attend(self._relay.url, door)

    async def _attend(self, url: str, door: asyncio.Semaphore) -> None:
        codec: Literal["json", "msgpack"] = "msgpack" if self._ticket.number % 3 == 0 else "json"
        show = self._config.show
        # A relay is one hop more than the server's fan-out takes.
        witness = Witness(self._tally, show=show, codec=codec, times_fanout=self._relay is None)
        client = Client(
            url,
            token=self._ticket.token,
            codec=codec,
            connect_timeout_s=_ENTER_S,
            backoff=Backoff(min_s=0.1, max_s=3.0),
            on_frame=witness.on_frame,
        )
        client.on_state(self._on_state)
        self._buyer = Buyer(client, show=show, viewer=self._ticket.viewer, tally=self._tally)
        try:
            async with door:
                await client.connect()
                self._subscription = client.subscribe(show, self._on_event)
                await self._subscription.ready()
        except DropcastError as fault:
            self.fault = fault
            self._tally.count("lost")
        else:
            self.arrived.set()
            await self._over.wait()
            while self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            self.arrived.set()
            for task in self._tasks:
                task.cancel()
            await client.close()

    # What this viewer hears ------------------------------------------------------------------------------

    def _on_state(self, connection: Connection) -> None:
        match connection.phase:
            case Phase.CONNECTED:
                self._connections += 1
                self._tally.count("connected")
                if self._connections > 1:
                    self._tally.count("reconnects")
            case Phase.DISCONNECTED if self.arrived.is_set() and not self._over.is_set():
                self._tally.count("lost")
                self._over.set()
            case _:
                pass

    def _on_event(self, event: Event) -> None:
        match event:
            case ShowStarted():
                self._spawn(self._browse())
                if self._breaks_after_s is not None:
                    self._spawn(self._break_line(self._breaks_after_s))
            case DropOpened(drop=view):
                self._consider(Reason.OPENED, view.drop)
            case Restocked(drop=drop):
                self._consider(Reason.RESTOCKED, drop)
            case DropUpdated(drop=drop):
                self._consider(Reason.UPDATED, drop)
            case OrderConfirmed(hold=hold):
                self._buyer.confirmed(hold)
            case HoldExpired():
                self._tally.count("expired")
            case ShowEnded():
                self._tally.count("ended")
                self._over.set()
            case _:
                pass

    # What this viewer does -------------------------------------------------------------------------------

    def _consider(self, reason: Reason, drop: str) -> None:
        if drop in self._bought and reason is not Reason.BROWSING:
            return
        tap = self._person.tap(reason)
        if tap is not None:
            self._spawn(self._shop(drop, tap))

    async def _browse(self) -> None:
        while await self._stays(self._person.idle_s()):
            state = self._subscription.state if self._subscription is not None else None
            drops = [drop.drop for drop in state.drops.values() if drop.is_open] if state is not None else []
            if drops:
                self._consider(Reason.BROWSING, self._person.pick_drop(drops))

    async def _shop(self, drop: str, tap: Tap) -> None:
        again = True
        while again and await self._stays(tap.delay_s):
            sku = self._choose(drop)
            if sku is None:
                return
            answer = await self._buyer.hold(drop, sku, tap.qty, twice=tap.twice)
            if isinstance(answer, Held):
                await self._finish(answer)
            again = isinstance(answer, Refused) and self._person.tries_again()

    def _choose(self, drop: str) -> str | None:
        state = self._subscription.state if self._subscription is not None else None
        known = state.drops.get(drop) if state is not None else None
        return self._person.choose(known.stock) if known is not None and known.is_open else None

    async def _finish(self, held: Held) -> None:
        """See a hold to its end. Whoever means to pay does so at once when the show ends."""
        ending = self._person.ending()
        if ending.intent is Intent.ABANDON:
            self._tally.count("abandoned")
            return
        await self._stays(ending.delay_s)
        if ending.intent is Intent.RELEASE:
            await self._buyer.release(held)
            return
        for payment in ending.payments:
            answer = await self._buyer.pay(held, payment)
            if not isinstance(answer, Refused):
                self._bought.add(held.drop)
            elif answer.reason == "declined":
                continue
            return

    async def _break_line(self, after_s: float) -> None:
        if await self._stays(after_s) and self._relay is not None:
            self._relay.cut()

    async def _stays(self, delay_s: float) -> bool:
        """Wait, and return whether the show goes on."""
        try:
            async with asyncio.timeout(delay_s):
                await self._over.wait()
        except TimeoutError:
            return True
        return False

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
