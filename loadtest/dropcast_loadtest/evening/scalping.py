"""A scalper: several accounts on many sockets, which tap as fast as answers come when there is something to get.

Each socket has a greenlet of its own. It taps from the moment when units are there until its account has all that
one buyer may have, or the burst is over: sold out does not stop it, for a hold may come back.
"""

import time
from collections.abc import Callable

from gevent.pool import Group

from dropcast_client import (
    CallError,
    Close,
    Disconnected,
    DropcastError,
    DropOpened,
    DropUpdated,
    Event,
    FellBehind,
    Held,
    OrderConfirmed,
    OutcomeUnknown,
    Refused,
    Restocked,
    ShowEnded,
    Sold,
    SyncClient,
    SyncSubscription,
)
from dropcast_loadtest.behaviour import APPROVE
from dropcast_loadtest.evening.addresses import is_local
from dropcast_loadtest.evening.entries import PAY, RESERVE, SCALPER, SENT_AWAY, THROTTLED, answered, joined
from dropcast_loadtest.evening.notes import Notes, Sight
from dropcast_loadtest.evening.visit import BACKOFF, ENTER_S
from dropcast_loadtest.witness import Witness

SOCKETS = 4
ACCOUNTS = 2
BURST_S = 2.0
BURST_TAPS_MAX = 250
"""More than a socket's bucket has by default, so that the server's own brake is rehearsed too."""


class Scalper:
    def __init__(self, url: str, *, show: str, name: str, token: Callable[[str], str], notes: Notes) -> None:
        """`token` mints one for an account."""
        self._crew = Group()
        self._sockets = [
            _Socket(url, show=show, token=token(f"{name}-{number % ACCOUNTS}"), name=f"{number}", notes=notes)
            for number in range(SOCKETS)
        ]

    def run(self) -> None:
        """Live until every socket has seen the end of the show."""
        for one in self._sockets:
            self._crew.spawn(one.run)
        self._crew.join()

    def leave(self) -> None:
        self._crew.kill()
        closing = Group()
        for one in self._sockets:
            closing.spawn(one.close)
        closing.join()


class _Socket:
    def __init__(self, url: str, *, show: str, token: str, name: str, notes: Notes) -> None:
        self._show = show
        self._name = name
        self._notes = notes
        self._taps = 0
        self._unpaid: list[Held] = []
        self._paying: Held | None = None
        self._client = SyncClient(
            url,
            token=token,
            connect_timeout_s=ENTER_S,
            backoff=BACKOFF,
            on_frame=Witness(Sight(notes), show=show, codec="json", times_fanout=is_local(url)).on_frame,
        )

    def run(self) -> None:
        try:
            began_s = time.monotonic()
            self._client.connect()
            subscription = self._client.subscribe(self._show)
            subscription.ready(ENTER_S)
            self._notes.timed(joined(SCALPER), began_s)
            self._lurk(subscription)
        except (CallError, Disconnected, FellBehind) as failure:
            self._lost(failure)
        except TimeoutError as failure:
            self._lost(Disconnected(0, str(failure)))

    def close(self) -> None:
        if self._paying is not None:
            self._unknown()
        self._client.close()

    def _lurk(self, subscription: SyncSubscription) -> None:
        for event in subscription:
            if isinstance(event, ShowEnded):
                return
            if isinstance(event, OrderConfirmed):
                continue  # the reply to the payment says the same
            drop = _something_to_get(event)
            if drop is not None:
                self._burst(subscription, drop)
                self._pay_all()

    def _burst(self, subscription: SyncSubscription, drop: str) -> None:
        state = subscription.state
        known = state.drops.get(drop) if state is not None else None
        if known is None or not known.is_open:
            return
        skus = list(known.stock)
        until_s = time.monotonic() + BURST_S
        for number in range(BURST_TAPS_MAX):
            if time.monotonic() > until_s:
                return
            answer = self._tap(drop, skus[number % len(skus)])
            if isinstance(answer, Held):
                self._unpaid.append(answer)
            elif isinstance(answer, Refused) and answer.reason != "sold_out":
                return  # the account has all that it may have, or the drop has closed

    def _tap(self, drop: str, sku: str) -> Held | Refused | None:
        self._taps += 1
        key = f"scalp-{self._name}-{self._taps}"
        began_s = time.monotonic()
        try:
            answer = self._client.reserve(show=self._show, drop=drop, sku=sku, key=key)
        except (CallError, OutcomeUnknown, Disconnected) as failure:
            self._refused_at_the_edge(failure, began_s)
            return None
        self._notes.timed(answered(SCALPER, RESERVE, answer), began_s)
        return answer

    def _refused_at_the_edge(self, failure: DropcastError, began_s: float) -> None:
        """Being slowed down is what a scalper has to expect, and no fault."""
        if isinstance(failure, CallError) and failure.code == "rate_limited":
            self._notes.timed(THROTTLED, began_s)
        elif self._client.state.code == Close.FLOOD:
            self._notes.happened(SENT_AWAY)
        else:
            self._notes.failed(failure)

    def _pay_all(self) -> None:
        while self._unpaid:
            held = self._paying = self._unpaid.pop()
            began_s = time.monotonic()
            try:
                answer = self._client.checkout(show=self._show, hold=held.hold, payment=APPROVE)
            except (CallError, OutcomeUnknown, Disconnected) as failure:
                if not (isinstance(failure, CallError) and failure.code == "rate_limited"):
                    self._unknown()
                self._refused_at_the_edge(failure, began_s)
            else:
                self._notes.timed(answered(SCALPER, PAY, answer), began_s)
                if isinstance(answer, Sold):
                    self._notes.ledger.count("orders")
                    self._notes.ledger.count("units", held.qty)
                    self._notes.ledger.count("minor", answer.amount_minor)
            self._paying = None

    def _unknown(self) -> None:
        self._notes.ledger.count("unknown_payments")

    def _lost(self, failure: DropcastError) -> None:
        if isinstance(failure, Disconnected) and failure.code == Close.FLOOD:
            self._notes.happened(SENT_AWAY)
        else:
            self._notes.failed(failure)


def _something_to_get(event: Event) -> str | None:
    """Return the drop that has units now, or may have."""
    match event:
        case DropOpened(drop=view):
            return view.drop
        case Restocked(drop=drop) | DropUpdated(drop=drop):
            return drop
        case _:
            return None
