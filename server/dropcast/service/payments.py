"""Payments under way: each is seen to its end by a task of its own. Called by checkout.py, measured by app.py.

    charge -> approved    -> sell, asked again until the engine answers -> sold, or refused: undo
           -> declined    -> unpay
           -> no answer   -> undo
    undo:  cancel, asked again until the provider confirms it -> unpay, so that the hold names no attempt any more

A viewer who leaves, or an engine that is away, ends none of them. A hold that ended without a sale and still names
an attempt is a payment that may stand; `dropcast audit` lists those.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from dropcast import logs
from dropcast.domain import trades
from dropcast.domain.faults import EngineFault, Fault, PaymentFault
from dropcast.domain.hold import Hold
from dropcast.domain.ids import payment_key
from dropcast.domain.ports import Charged, Declined, PaymentProvider, TradeDesk
from dropcast.domain.trades import Granted, Outcome, Reason, Refused
from dropcast.metrics import counts

logger = logging.getLogger(__name__)

_PATIENCE_S = 2.0
"""How long a viewer waits for the end of a payment after engine or provider have failed once."""
_ENGINE_BACKOFF_S = (0.05, 0.1, 0.25, 0.5, 1.0)
_PROVIDER_BACKOFF_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""The longest waits before the next tries; each wait is a random part of it."""

Result = TypeVar("Result")

Answer = tuple[Outcome, str]
"""What the viewer is told: the outcome, and for a declined payment what the provider said."""


class Payment:
    """One attempt to pay for one hold."""

    def __init__(self, show: str, hold: Hold, attempt: str, token: str, currency: str) -> None:
        self.show = show
        self.hold = hold
        self.attempt = attempt
        self.token = token
        self.currency = currency
        self.key = payment_key(show, hold.id, attempt)
        self.about = {**logs.what_about(), "show": show, "hold": hold.id, "viewer": hold.viewer}
        loop = asyncio.get_running_loop()
        self.task: asyncio.Task[None] | None = None
        self._end: asyncio.Future[Answer | Fault] = loop.create_future()
        self._trouble: asyncio.Future[Answer | Fault] = loop.create_future()

    @property
    def is_in_trouble(self) -> bool:
        """Whether engine or provider have failed, so that the payment's end is not known yet."""
        return self._trouble.done()

    def ended(self, answer: Answer | Fault) -> None:
        if not self._end.done():
            self._end.set_result(answer)

    def in_trouble(self, answer: Answer | Fault) -> None:
        """The end is not known yet. `answer` is for whoever does not want to wait for it."""
        if not self._trouble.done():
            self._trouble.set_result(answer)

    async def answer(self) -> Answer:
        """Wait for the end, after trouble for a moment only. Raises the Fault."""
        await asyncio.wait({self._end, self._trouble}, return_when=asyncio.FIRST_COMPLETED)
        if not self._end.done():
            await asyncio.wait({self._end}, timeout=_PATIENCE_S)
        answer = self._end.result() if self._end.done() else self._trouble.result()
        if isinstance(answer, Fault):
            raise answer
        return answer


class Payments:
    """See the module. `close` gives payments the time that is left when a worker stops."""

    def __init__(self, *, desk: TradeDesk, provider: PaymentProvider, timeout_ms: int) -> None:
        self._desk = desk
        self._provider = provider
        self._timeout_s = timeout_ms / 1000
        self._under_way: dict[str, Payment] = {}

    @property
    def unsettled(self) -> int:
        """How many payments wait for an engine or a provider that has failed."""
        return sum(payment.is_in_trouble for payment in self._under_way.values())

    async def pay(self, show: str, hold: Hold, attempt: str, token: str, currency: str) -> Answer:
        """Pay for a hold that is `paying` by this attempt; one that is under way here already is joined.

        Raises PaymentFault when the provider did not answer, EngineFault when the engine does not: the payment goes
        on, and the same call again finds out.
        """
        payment = Payment(show, hold, attempt, token, currency)
        payment = self._under_way.setdefault(payment.key, payment)
        if payment.task is None:
            payment.task = asyncio.get_running_loop().create_task(self._see_to_its_end(payment))
        return await payment.answer()

    async def close(self, deadline_s: float) -> None:
        """Wait for the payments under way, for `deadline_s` seconds at most, and give up the others."""
        tasks = [payment.task for payment in self._under_way.values() if payment.task is not None]
        if not tasks:
            return
        _, unfinished = await asyncio.wait(tasks, timeout=max(0.0, deadline_s))
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    async def _see_to_its_end(self, payment: Payment) -> None:
        logs.about(**payment.about)
        try:
            await self._run(payment)
        except asyncio.CancelledError:
            counts.payments["abandoned"] += 1
            payment.ended(PaymentFault("the server stops; whether the payment was made is not known yet"))
            logger.error(
                "the worker stops before the end of a payment is known: dropcast audit tells if it may stand",
                extra=payment.about,
            )
            raise
        except Exception:
            counts.payments["abandoned"] += 1
            payment.ended(PaymentFault("the payment failed; whether it was made is not known"))
            logger.exception("a payment failed and may stand")
        finally:
            del self._under_way[payment.key]

    async def _run(self, payment: Payment) -> None:
        charge = await self._charge(payment)
        if isinstance(charge, Declined):
            counts.payments["declined"] += 1
            ended = await self._unpay(payment, None)
            offset = ended.offset if isinstance(ended, Granted | Refused) else 0
            payment.ended((Refused(Reason.DECLINED, offset), charge.reason))
        elif isinstance(charge, Charged):
            sold = await self._sell(payment, charge)
            if isinstance(sold, Granted):
                counts.payments["sold"] += 1
                payment.ended((sold, ""))
                logger.info("sold: order %s", sold.hold.order)
                return
            counts.payments["too_late"] += 1
            logger.warning("paid too late: the payment is undone")
            await self._undo(payment, (sold, ""))
            payment.ended((sold, ""))
        else:
            counts.payments["unanswered"] += 1
            ended = await self._undo(
                payment, PaymentFault("the payment provider does not answer; the payment will be undone")
            )
            if isinstance(ended, Refused) and ended.reason is Reason.SOLD:
                # Another worker, asked with the same token, got an answer where this one got none.
                logger.error("a payment was undone, but its hold was sold meanwhile")
            payment.ended(PaymentFault("the payment provider did not answer; nothing was charged"))

    async def _charge(self, payment: Payment) -> Charged | Declined | None:
        """Return what the provider says, or None when it said nothing: then it may have charged."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._provider.charge(
                    token=payment.token,
                    amount_minor=payment.hold.amount_minor,
                    currency=payment.currency,
                    key=payment.key,
                )
        except (TimeoutError, PaymentFault):
            return None
        except Exception:
            logger.exception("the payment provider failed on a charge")
            return None

    async def _sell(self, payment: Payment, charge: Charged) -> Outcome:
        """Sell the hold. An engine that fails may have sold it all the same, so it is asked until it answers."""
        hold = payment.hold
        sell = trades.Sell(
            hold=hold.id, viewer=hold.viewer, attempt=payment.attempt, payment=charge.reference
        )
        return await self._trade(payment, sell, None)

    async def _undo(self, payment: Payment, meanwhile: Answer | Fault) -> Outcome:
        """Cancel the charge. Who waits for the payment is told `meanwhile` when that takes long.

        Return what the engine says of the hold then.
        """

        async def cancel() -> None:
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._provider.cancel(key=payment.key)
            except Exception as error:
                if not payment.is_in_trouble:
                    why = error if str(error) else type(error).__name__
                    logger.warning("a payment cannot be undone yet, it is tried again: %s", why)
                payment.in_trouble(meanwhile)
                raise PaymentFault("the payment provider does not answer") from error

        await _until_answered(cancel, PaymentFault, _PROVIDER_BACKOFF_S)
        counts.payments["undone"] += 1
        if payment.is_in_trouble:
            logger.warning("the payment is undone")
        return await self._unpay(payment, meanwhile)

    async def _unpay(self, payment: Payment, meanwhile: Answer | Fault | None) -> Outcome:
        """Have the hold name no attempt any more: nothing is charged."""
        hold = payment.hold
        unpay = trades.Unpay(hold=hold.id, viewer=hold.viewer, attempt=payment.attempt)
        return await self._trade(payment, unpay, meanwhile)

    async def _trade(
        self, payment: Payment, trade: trades.Trade, meanwhile: Answer | Fault | None
    ) -> Outcome:
        """Ask the engine until it answers. Without a `meanwhile`, whoever waits is told how it failed."""

        async def ask() -> Outcome:
            try:
                return await self._desk.trade(payment.show, trade)
            except EngineFault as fault:
                payment.in_trouble(meanwhile if meanwhile is not None else fault)
                raise

        return await _until_answered(ask, EngineFault, _ENGINE_BACKOFF_S)


async def _until_answered(
    ask: Callable[[], Awaitable[Result]], failure: type[Fault], backoff_s: Sequence[float]
) -> Result:
    """Return what `ask` returns, asking again while it raises `failure`."""
    tries = 0
    while True:
        try:
            return await ask()
        except failure:
            await asyncio.sleep(random.uniform(0, backoff_s[min(tries, len(backoff_s) - 1)]))
            tries += 1
