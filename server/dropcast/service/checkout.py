"""Checkout: pay for a hold. Two engine functions with the payment provider between them.

held -> paying (the deadline is moved past the payment's own), charge, paying -> sold in one engine function.
The provider is asked under a key made of show, hold and token, so that whoever tries again, on this worker or
another, charges once. A payment whose hold is gone is undone.
"""

import asyncio
import hashlib
import logging

from dropcast.domain import trades
from dropcast.domain.faults import PaymentFault
from dropcast.domain.hold import Hold, HoldState
from dropcast.domain.ports import Declined, PaymentProvider, ShowStore, TradeDesk
from dropcast.domain.trades import Granted, Outcome, Reason, Refused
from dropcast.domain.viewer import Viewer
from dropcast.metrics import counts
from dropcast.service.stage import Stage

logger = logging.getLogger(__name__)

_SELL_MARGIN_MS = 5_000
"""A paying hold outlives the payment's own deadline by this much, so that a late approval still finds it."""


class Checkout:
    def __init__(
        self, *, desk: TradeDesk, store: ShowStore, stage: Stage, provider: PaymentProvider, timeout_ms: int
    ) -> None:
        self._desk = desk
        self._store = store
        self._stage = stage
        self._provider = provider
        self._timeout_ms = timeout_ms

    async def pay(self, show: str, viewer: Viewer, hold: str, token: str) -> tuple[Outcome, str]:
        """Return the outcome, Granted when sold, and for a declined payment what the provider said.

        Raises PaymentFault when the provider did not answer (the payment is undone), EngineFault when the
        engine failed: then the same call again finds out.
        """
        attempt = hashlib.blake2b(token.encode(), digest_size=8).hexdigest()
        pay = trades.Pay(
            hold=hold, viewer=viewer.id, attempt=attempt, pay_ms=self._timeout_ms + _SELL_MARGIN_MS
        )
        begun = await self._desk.trade(show, pay)
        if isinstance(begun, Refused) and begun.reason is Reason.SOLD:
            sold = await self._store.hold(show, hold)
            return (Granted(sold, begun.offset) if sold is not None else begun), ""
        if not isinstance(begun, Granted) or begun.hold.state is HoldState.SOLD:
            return begun, ""
        return await self._charge(show, begun.hold, attempt, token)

    async def _charge(self, show: str, hold: Hold, attempt: str, token: str) -> tuple[Outcome, str]:
        key = f"{show}/{hold.id}/{attempt}"
        about = {"show": show, "hold": hold.id, "viewer": hold.viewer}
        unpay = trades.Unpay(hold=hold.id, viewer=hold.viewer, attempt=attempt)
        currency = (await self._stage.show(show)).currency
        try:
            async with asyncio.timeout(self._timeout_ms / 1000):
                charge = await self._provider.charge(
                    token=token, amount_minor=hold.amount_minor, currency=currency, key=key
                )
        except (TimeoutError, PaymentFault) as error:
            counts.payments["unanswered"] += 1
            await self._provider.cancel(key=key)
            await self._desk.trade(show, unpay)
            raise PaymentFault("the payment provider did not answer; nothing was charged") from error
        if isinstance(charge, Declined):
            counts.payments["declined"] += 1
            ended = await self._desk.trade(show, unpay)
            offset = ended.offset if isinstance(ended, Granted | Refused) else 0
            return Refused(Reason.DECLINED, offset), charge.reason
        sell = trades.Sell(hold=hold.id, viewer=hold.viewer, attempt=attempt, payment=charge.reference)
        sold = await self._desk.trade(show, sell)
        counts.payments["sold" if isinstance(sold, Granted) else "too_late"] += 1
        if not isinstance(sold, Granted):
            logger.warning("paid too late: the payment is undone", extra=about)
            await self._provider.cancel(key=key)
        else:
            logger.info("sold: order %s", sold.hold.order, extra=about)
        return sold, ""
