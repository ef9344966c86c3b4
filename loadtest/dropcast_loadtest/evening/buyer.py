"""What a buyer says to the server, with an entry for every answer. Waits for each reply, under gevent or in a thread.

A command whose outcome is unknown is asked again under the same key or for the same hold, which finds out and
never does it twice.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from dropcast_client import (
    CallError,
    Disconnected,
    DropcastError,
    Held,
    HoldView,
    OutcomeUnknown,
    Refused,
    Released,
    Sold,
    SyncClient,
)
from dropcast_loadtest.evening.entries import PAY, RELEASE, RESERVE, TWO_HOLDS, VIEWER, answered
from dropcast_loadtest.evening.notes import Notes

_TRIES = 3
_BETWEEN_TRIES_S = 0.25

Answer = TypeVar("Answer", Held, Released, Sold)


class Buyer:
    def __init__(self, client: SyncClient, *, show: str, notes: Notes) -> None:
        self._client = client
        self._show = show
        self._notes = notes
        self._taps = 0
        self._orders: set[str] = set()
        self._paying = False
        self._gone = False

    def hold(self, drop: str, sku: str, qty: int, *, twice: bool) -> Held | Refused | None:
        """Reserve; `twice` sends the tap a second time at once, which must not hold more. None: no answer."""
        self._taps += 1
        key = f"tap-{self._taps}"
        answers: list[Held | Refused | None] = []

        def reserve() -> None:
            answers.append(
                self._ask(
                    RESERVE,
                    lambda: self._client.reserve(show=self._show, drop=drop, sku=sku, qty=qty, key=key),
                )
            )

        second = threading.Thread(target=reserve, name="second tap", daemon=True)
        if twice:
            second.start()
        reserve()
        if twice:
            second.join()
        held = {answer.hold: answer for answer in answers if isinstance(answer, Held)}
        if len(held) > 1:
            self._notes.fault(TWO_HOLDS, f"{len(held)} holds for the key {key}")
        return next(iter(held.values()), answers[0])

    def release(self, held: Held) -> None:
        self._ask(RELEASE, lambda: self._client.release(show=self._show, hold=held.hold))

    def pay(self, held: Held, payment: str) -> Sold | Refused | None:
        """Pay with the payment provider's token. None: nobody knows what became of it."""
        self._paying = True
        answer = self._ask(
            PAY, lambda: self._client.checkout(show=self._show, hold=held.hold, payment=payment)
        )
        self._paying = False
        if isinstance(answer, Sold):
            self._receipt(answer.order, held.qty, answer.amount_minor)
        elif answer is None:
            self._unknown()
        return answer

    def confirmed(self, hold: HoldView) -> None:
        """The server says by itself that an order of this viewer is confirmed."""
        self._receipt(hold.order, hold.qty, hold.amount_minor)

    def leaves(self) -> None:
        """They go away, whatever is under way."""
        self._gone = True
        if self._paying:
            self._unknown()
            self._paying = False

    def _receipt(self, order: str, qty: int, amount_minor: int) -> None:
        if order in self._orders:
            return
        self._orders.add(order)
        self._notes.ledger.count("orders")
        self._notes.ledger.count("units", qty)
        self._notes.ledger.count("minor", amount_minor)

    def _unknown(self) -> None:
        self._notes.ledger.count("unknown_payments")

    def _ask(self, command: str, call: Callable[[], Answer | Refused]) -> Answer | Refused | None:
        """Call until there is an answer, or until it is plain that there will be none."""
        began_s = time.monotonic()
        last: DropcastError | None = None
        for attempt in range(_TRIES):
            if attempt:
                time.sleep(_BETWEEN_TRIES_S)
            try:
                answer = call()
            except (OutcomeUnknown, CallError, Disconnected) as failure:
                last = failure
                if isinstance(failure, Disconnected) or (
                    isinstance(failure, CallError) and not failure.temporary
                ):
                    break
            else:
                self._notes.timed(answered(VIEWER, command, answer), began_s)
                return answer
        # The connection of somebody who goes away ends in the middle of things.
        if last is not None and not self._gone:
            self._notes.failed(last)
        return None
