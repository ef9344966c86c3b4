"""One viewer's visit: a mind (shopper.py) in front of the sync SDK, from the door to the end of the show.

One greenlet lives it; the SDK adds two. Runs under gevent, where every wait lets the others go on.
"""

import time
from typing import Literal

from dropcast_client import (
    Backoff,
    CallError,
    Disconnected,
    FellBehind,
    OrderConfirmed,
    Refused,
    SyncClient,
    SyncSubscription,
)
from dropcast_loadtest.behaviour import Intent
from dropcast_loadtest.evening.addresses import is_local
from dropcast_loadtest.evening.buyer import Buyer
from dropcast_loadtest.evening.entries import VIEWER, joined
from dropcast_loadtest.evening.notes import Notes, Sight
from dropcast_loadtest.evening.relay import Relay
from dropcast_loadtest.evening.shopper import BreakLine, Browse, Deed, Finish, Shopper, TapOn
from dropcast_loadtest.witness import Witness

ENTER_S = 30.0
BACKOFF = Backoff(min_s=0.1, max_s=3.0)

_SECURE = "wss://"


class Visit:
    def __init__(
        self, url: str, *, show: str, token: str, number: int, shopper: Shopper, notes: Notes
    ) -> None:
        """`number` tells viewers apart: every third one speaks MessagePack."""
        self._notes = notes
        self._shopper = shopper
        self._show = show
        # A relay stands in for the line that breaks, and is one hop more than the server's fan-out takes.
        self._relay = Relay(url) if shopper.line_breaks and not url.startswith(_SECURE) else None
        self._sight = Sight(notes)
        codec: Literal["json", "msgpack"] = "msgpack" if number % 3 == 0 else "json"
        self._client = SyncClient(
            self._relay.url if self._relay is not None else url,
            token=token,
            codec=codec,
            connect_timeout_s=ENTER_S,
            backoff=BACKOFF,
            on_frame=Witness(
                self._sight,
                show=show,
                codec=codec,
                times_fanout=self._relay is None,
                # The wall clock of this machine is the server's too, or else the SDK's estimate is the best there is.
                now_s=time.time if is_local(url) else self._server_time_s,
            ).on_frame,
        )
        self._buyer = Buyer(self._client, show=show, notes=notes)
        self._subscription: SyncSubscription | None = None

    def run(self) -> None:
        """Come in and stay until the show is over and every hold has found its end."""
        try:
            began_s = time.monotonic()
            self._client.connect()
            self._subscription = self._client.subscribe(self._show)
            self._subscription.ready(ENTER_S)
            self._notes.timed(joined(VIEWER), began_s)
            self._stay(self._subscription)
        except (Disconnected, FellBehind, CallError) as failure:
            self._notes.failed(failure)
        except TimeoutError as failure:
            self._notes.failed(Disconnected(0, str(failure)))

    def leave(self) -> None:
        """Go away, whatever is under way."""
        self._buyer.leaves()
        self._client.close()
        if self._relay is not None:
            self._relay.close()

    def _stay(self, subscription: SyncSubscription) -> None:
        shopper = self._shopper
        while True:
            now_s = time.monotonic()
            if (deed := shopper.take(now_s)) is not None:
                self._carry_out(deed)
                continue
            wait_s = shopper.wait_s(now_s)
            if shopper.is_over and wait_s == float("inf"):
                return
            try:
                event = subscription.take(None if wait_s == float("inf") else wait_s)
            except TimeoutError:
                continue
            if event is None:
                return
            if isinstance(event, OrderConfirmed):
                self._buyer.confirmed(event.hold)
            shopper.hears(event, time.monotonic())

    def _carry_out(self, deed: Deed) -> None:
        match deed:
            case Browse():
                self._shopper.browsed(self._open_drops(), time.monotonic())
            case TapOn(drop, tap):
                stock = self._stock(drop)
                if stock:
                    answer = self._buyer.hold(drop, self._shopper.choose(stock), tap.qty, twice=tap.twice)
                    self._shopper.reserved(deed, answer, time.monotonic())
            case Finish():
                self._finish(deed)
            case BreakLine():
                if self._relay is not None:
                    self._sight.line_breaks()
                    self._relay.cut()

    def _finish(self, deed: Finish) -> None:
        held, ending = deed
        if ending.intent is Intent.RELEASE:
            self._buyer.release(held)
            return
        for payment in ending.payments:
            answer = self._buyer.pay(held, payment)
            if not isinstance(answer, Refused):
                self._shopper.bought(held.drop)
            elif answer.reason == "declined":
                continue
            return

    def _open_drops(self) -> list[str]:
        state = self._subscription.state if self._subscription is not None else None
        return [drop.drop for drop in state.drops.values() if drop.is_open] if state is not None else []

    def _stock(self, drop: str) -> dict[str, int] | None:
        """Return the units left of a drop that is open, by SKU."""
        state = self._subscription.state if self._subscription is not None else None
        known = state.drops.get(drop) if state is not None else None
        return known.stock if known is not None and known.is_open else None

    def _server_time_s(self) -> float:
        try:
            return self._client.server_time_ms() / 1000
        except LookupError:  # before the first welcome
            return time.time()
