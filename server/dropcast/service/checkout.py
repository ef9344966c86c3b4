"""Checkout: pay for a hold. Two engine functions with the payment provider between them.

held -> paying (the deadline is moved past the payment's own), then payments.py: charge, paying -> sold in one engine
function. The provider is asked under a key made of show, hold and token, so that whoever tries again, on this
worker or another, charges once. A payment whose hold is gone is undone.
"""

import hashlib

from dropcast.domain import trades
from dropcast.domain.hold import HoldState
from dropcast.domain.ports import PaymentProvider, ShowStore, TradeDesk
from dropcast.domain.trades import Granted, Outcome, Reason, Refused
from dropcast.domain.viewer import Viewer
from dropcast.service.payments import Payments
from dropcast.service.stage import Stage

_SELL_MARGIN_MS = 5_000
"""A paying hold outlives the payment's own deadline by this much, so that a late approval still finds it."""


class Checkout:
    def __init__(
        self, *, desk: TradeDesk, store: ShowStore, stage: Stage, provider: PaymentProvider, timeout_ms: int
    ) -> None:
        self._desk = desk
        self._store = store
        self._stage = stage
        self._payments = Payments(desk=desk, provider=provider, timeout_ms=timeout_ms)
        self._timeout_ms = timeout_ms

    @property
    def unsettled(self) -> int:
        """How many payments wait for an engine or a provider that has failed."""
        return self._payments.unsettled

    async def pay(self, show: str, viewer: Viewer, hold: str, token: str) -> tuple[Outcome, str]:
        """Return the outcome, Granted when sold, and for a declined payment what the provider said.

        Raises PaymentFault when the provider did not answer (the payment is undone), EngineFault when the engine
        failed: then the payment goes on by itself, and the same call again finds out.
        """
        # Before anything is begun: between `pay` and the charge nothing may fail.
        currency = (await self._stage.show(show)).currency
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
        return await self._payments.pay(show, begun.hold, attempt, token, currency)

    async def close(self, deadline_s: float) -> None:
        """Wait for the payments under way, for `deadline_s` seconds at most."""
        await self._payments.close(deadline_s)
