"""What a viewer says to the server, with an answer for everything that may come back. Each outcome is tallied.

A command whose outcome is unknown is asked again under the same key or for the same hold, which finds out and
never does it twice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from dropcast_client import CallError, Client, Disconnected, Held, HoldView, OutcomeUnknown, Refused, Sold
from dropcast_loadtest.progress import Receipt
from dropcast_loadtest.tally import Tally

_TRIES = 3
_BETWEEN_TRIES_S = 0.25

Answer = TypeVar("Answer")


class Buyer:
    def __init__(self, client: Client, *, show: str, viewer: str, tally: Tally) -> None:
        self._client = client
        self._show = show
        self._viewer = viewer
        self._tally = tally
        self._taps = 0
        self._orders: set[str] = set()

    async def hold(self, drop: str, sku: str, qty: int, *, twice: bool) -> Held | Refused | None:
        """Reserve; `twice` sends the tap a second time at once, which must not hold more. None: no answer."""
        self._taps += 1
        key = f"tap-{self._taps}"

        def reserve() -> Awaitable[Held | Refused]:
            return self._client.reserve(show=self._show, drop=drop, sku=sku, qty=qty, key=key)

        answers = await asyncio.gather(*(self._ask(reserve) for _ in range(2 if twice else 1)))
        self._tally.count("taps", len(answers))
        held = [answer for answer in answers if isinstance(answer, Held)]
        if len({answer.hold for answer in held}) > 1:
            self._tally.count("two_holds")
        if held:
            self._tally.count("held")
            self._tally.count("held_units", held[0].qty)
            return held[0]
        for answer in answers:
            if isinstance(answer, Refused):
                self._tally.count(f"refused.{answer.reason}")
        return answers[0]

    async def release(self, held: Held) -> None:
        answer = await self._ask(lambda: self._client.release(show=self._show, hold=held.hold))
        if isinstance(answer, Refused):
            self._tally.count(f"unreleased.{answer.reason}")
        elif answer is not None:
            self._tally.count("released")

    async def pay(self, held: Held, payment: str) -> Sold | Refused | None:
        """Pay with the payment provider's token. None: nobody knows what became of it."""
        answer = await self._ask(
            lambda: self._client.checkout(show=self._show, hold=held.hold, payment=payment)
        )
        if isinstance(answer, Sold):
            self._receipt(answer.order, held.drop, held.sku, held.qty, answer.amount_minor)
        elif isinstance(answer, Refused):
            self._tally.count(f"unpaid.{answer.reason}")
        else:
            self._tally.unknown_hold(held.hold)
        return answer

    def confirmed(self, hold: HoldView) -> None:
        """The server says by itself that an order of this viewer is confirmed."""
        self._receipt(hold.order, hold.drop, hold.sku, hold.qty, hold.amount_minor)

    def _receipt(self, order: str, drop: str, sku: str, qty: int, amount_minor: int) -> None:
        if order in self._orders:
            return
        self._orders.add(order)
        self._tally.count("sold")
        self._tally.receipt(
            Receipt(order=order, viewer=self._viewer, drop=drop, sku=sku, qty=qty, amount_minor=amount_minor)
        )

    async def _ask(self, call: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Call until there is an answer, or until it is plain that there will be none."""
        last = "outcome_unknown"
        for attempt in range(_TRIES):
            if attempt:
                await asyncio.sleep(_BETWEEN_TRIES_S)
            try:
                return await call()
            except OutcomeUnknown:
                last = "outcome_unknown"
            except CallError as error:
                last = "outcome_unknown" if error.outcome_unknown else f"errors.{error.code}"
                if not error.temporary:
                    break
            except Disconnected:
                last = "unsent"
                break
        self._tally.count(last)
        return None
