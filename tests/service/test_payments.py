"""A payment is seen to its end, whatever fails after the charge: sold, or undone, or named by the audit."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dropcast.domain.faults import EngineAway, PaymentFault
from dropcast.domain.hold import HoldState
from dropcast.domain.ports import Charged, Declined
from dropcast.domain.trades import Granted, Outcome, Reason, Refused
from dropcast.domain.viewer import Role, Viewer
from dropcast.metrics import counts
from dropcast.service.checkout import Checkout
from dropcast.settings import Settings
from dropcast.store.connection import connect
from dropcast.store.embedded import EmbeddedEngine
from tests.service.conftest import Parts
from tests.support.engine import Stall, reserve
from tests.support.engine_proxy import EngineProxy
from tests.support.wait import wait_until

ANA = Viewer(id="ana", role=Role.VIEWER)


class Provider:
    """Charges when `gate` is set; what is in `charge_errors` and `cancel_errors` is raised first, one each time."""

    def __init__(self) -> None:
        self.charges: list[str] = []
        self.cancels = 0
        self.cancelled: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.charge_errors: list[Exception] = []
        self.cancel_errors: list[Exception | None] = []
        self.answer: Charged | Declined = Charged("ref")

    async def charge(self, *, token: str, amount_minor: int, currency: str, key: str) -> Charged | Declined:
        self.charges.append(key)
        await self.gate.wait()
        if self.charge_errors:
            raise self.charge_errors.pop(0)
        return self.answer

    async def cancel(self, *, key: str) -> None:
        self.cancels += 1
        if self.cancel_errors:
            error = self.cancel_errors.pop(0)
            if error is None:
                await asyncio.Event().wait()
            else:
                raise error
        self.cancelled.append(key)


class Till:
    """A checkout of a worker that reaches the engine by a proxy."""

    def __init__(self, parts: Parts, proxy: EngineProxy, show: str) -> None:
        self.parts = parts
        self.proxy = proxy
        self.show = show
        self.provider = Provider()
        self.checkout = self.make()

    def make(self, timeout_ms: int = 5_000) -> Checkout:
        parts = self.parts
        self.checkout = Checkout(
            desk=parts.desk,
            store=parts.store,
            stage=parts.stage,
            provider=self.provider,
            timeout_ms=timeout_ms,
        )
        return self.checkout

    async def pay(self, token: str = "token") -> tuple[Outcome, str]:
        return await self.checkout.pay(self.show, ANA, "h1", token)

    async def charged(self, token: str = "token") -> asyncio.Task[tuple[Outcome, str]]:
        """Begin a payment that is held up at the provider."""
        self.provider.gate.clear()
        paying = asyncio.create_task(self.pay(token))
        await wait_until(lambda: self.provider.charges)
        return paying


@pytest.fixture
async def till(engine: EmbeddedEngine, stall: Stall, tmp_path: Path) -> AsyncIterator[Till]:
    await stall.granted(reserve("h1"))
    async with EngineProxy(engine.socket_path, tmp_path, lose=lambda _: False) as proxy:
        client = connect(proxy.url)
        parts = Parts(proxy.url, client, "w0", Settings())
        till = Till(parts, proxy, stall.show)
        try:
            yield till
        finally:
            proxy.come_back()
            await till.checkout.close(0)
            await parts.close()
            await client.aclose()


async def unsettled(stall: Stall) -> list[str]:
    """The keys of the payments that may stand."""
    at_ms = (await stall.shows.read(stall.show)).at_ms
    return [payment.key for payment in await stall.shows.unsettled(stall.show, at_ms)]


async def state_of(stall: Stall) -> HoldState:
    hold = await stall.shows.hold(stall.show, "h1")
    assert hold is not None
    return hold.state


async def test_a_sale_that_the_engine_did_not_answer_is_asked_again_until_it_does(
    till: Till, stall: Stall
) -> None:
    paying = await till.charged()
    till.proxy.go_away()
    till.provider.gate.set()
    await wait_until(lambda: till.checkout.unsettled == 1)
    till.proxy.come_back()
    outcome, _ = await paying
    assert isinstance(outcome, Granted)
    assert (len(till.provider.charges), till.provider.cancels) == (1, 0)
    assert [order.payment for order in await stall.shows.orders(stall.show)] == ["ref"]
    assert till.checkout.unsettled == 0
    assert await unsettled(stall) == []


async def test_a_viewer_is_told_that_the_engine_is_away_and_the_payment_goes_on(
    till: Till, stall: Stall
) -> None:
    paying = await till.charged()
    till.proxy.go_away()
    till.provider.gate.set()
    with pytest.raises(EngineAway):
        await paying
    till.proxy.come_back()
    outcome, _ = await till.pay()
    assert isinstance(outcome, Granted)
    assert (len(till.provider.charges), till.provider.cancels) == (1, 0)
    assert len(await stall.shows.orders(stall.show)) == 1


async def test_a_hold_that_expires_while_the_engine_is_away_costs_the_viewer_nothing(
    till: Till, stall: Stall
) -> None:
    paying = await till.charged()
    till.proxy.go_away()
    till.provider.gate.set()
    await wait_until(lambda: till.checkout.unsettled == 1)
    await stall.make_due("h:h1")
    await stall.shows.settle(stall.show, [], 50)
    assert await unsettled(stall) == till.provider.charges
    till.proxy.come_back()
    outcome, _ = await paying
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.EXPIRED
    assert till.provider.cancelled == till.provider.charges
    assert await unsettled(stall) == []
    assert await stall.shows.orders(stall.show) == []
    assert await stall.audit() == []


async def test_a_sale_whose_reply_was_lost_is_not_undone(till: Till, stall: Stall) -> None:
    lost: list[list[bytes]] = []

    def lose(command: list[bytes]) -> bool:
        if any(b"sell" in part for part in command) and not lost:
            lost.append(command)
        return bool(lost) and lost[-1] is command

    paying = await till.charged()
    till.proxy.lose = lose
    till.provider.gate.set()
    outcome, _ = await paying
    assert isinstance(outcome, Granted)
    assert len(lost) == 1
    assert till.provider.cancels == 0


async def test_a_cancel_that_fails_is_tried_again(till: Till, stall: Stall) -> None:
    till.make(timeout_ms=50)
    till.provider.cancel_errors = [PaymentFault("down"), RuntimeError("an error of the library"), None]
    undone = counts.payments["undone"]
    till.provider.gate.clear()
    with pytest.raises(PaymentFault, match="nothing was charged"):
        await till.pay()
    assert till.provider.cancels == 4
    assert till.provider.cancelled == till.provider.charges
    assert counts.payments["undone"] == undone + 1
    assert await state_of(stall) is HoldState.HELD
    assert await unsettled(stall) == []


async def test_while_a_payment_cannot_be_undone_the_same_token_does_not_pay_again(
    till: Till, stall: Stall
) -> None:
    till.make(timeout_ms=50)
    till.provider.cancel_errors = [PaymentFault("down")] * 1_000
    till.provider.gate.clear()
    # At once, so that the hold is open long after both were told.
    for told in await asyncio.gather(till.pay(), till.pay(), return_exceptions=True):
        assert isinstance(told, PaymentFault)
        assert "will be undone" in str(told)
        assert told.temporary
    refused, _ = await till.pay("another token")
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.PAYING
    assert len(till.provider.charges) == 1
    assert till.checkout.unsettled == 1
    till.provider.cancel_errors.clear()
    await wait_until(lambda: till.checkout.unsettled == 0)
    assert await state_of(stall) is HoldState.HELD
    till.provider.gate.set()
    outcome, _ = await till.pay("another token")
    assert isinstance(outcome, Granted)


async def test_a_charge_that_fails_in_any_way_is_undone(till: Till, stall: Stall) -> None:
    till.provider.charge_errors = [RuntimeError("an error of the library")]
    with pytest.raises(PaymentFault, match="nothing was charged"):
        await till.pay()
    assert till.provider.cancelled == till.provider.charges
    outcome, _ = await till.pay("another token")
    assert isinstance(outcome, Granted)


async def test_a_decline_that_the_engine_did_not_hear_is_told_again(till: Till, stall: Stall) -> None:
    till.provider.answer = Declined("no cover")
    paying = await till.charged()
    till.proxy.go_away()
    till.provider.gate.set()
    await wait_until(lambda: till.checkout.unsettled == 1)
    till.proxy.come_back()
    outcome, why = await paying
    assert isinstance(outcome, Refused)
    assert (outcome.reason, why) == (Reason.DECLINED, "no cover")
    assert await state_of(stall) is HoldState.HELD


async def test_a_viewer_who_leaves_does_not_end_the_payment(till: Till, stall: Stall) -> None:
    paying = await till.charged()
    paying.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await paying
    till.provider.gate.set()
    await till.checkout.close(10)
    assert await state_of(stall) is HoldState.SOLD


async def test_a_worker_that_stops_finishes_its_payments(till: Till, stall: Stall) -> None:
    paying = await till.charged()
    closing = asyncio.create_task(till.checkout.close(10))
    till.provider.gate.set()
    await closing
    assert await state_of(stall) is HoldState.SOLD
    assert isinstance((await paying)[0], Granted)


async def test_a_payment_whose_end_a_stopping_worker_cannot_await_is_named_by_the_audit(
    till: Till, stall: Stall, caplog: pytest.LogCaptureFixture
) -> None:
    abandoned = counts.payments["abandoned"]
    paying = await till.charged()
    till.proxy.go_away()
    till.provider.gate.set()
    await wait_until(lambda: till.checkout.unsettled == 1)
    await till.checkout.close(0.01)
    with pytest.raises((PaymentFault, EngineAway)):
        await paying
    assert counts.payments["abandoned"] == abandoned + 1
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1
    assert await unsettled(stall) == []  # under way, as far as the engine knows
    await stall.make_due("h:h1")
    await stall.shows.settle(stall.show, [], 50)
    assert await unsettled(stall) == till.provider.charges


async def test_a_sale_by_another_worker_while_this_one_undoes_the_payment_is_an_error(
    till: Till, stall: Stall, caplog: pytest.LogCaptureFixture
) -> None:
    """Both were asked with the same token: one got no answer from the provider, the other one did."""
    till.make(timeout_ms=50)
    till.provider.cancel_errors = [PaymentFault("down")] * 1_000
    till.provider.gate.clear()
    with pytest.raises(PaymentFault):
        await till.pay()
    till.provider.gate.set()
    outcome, _ = await till.make().pay(till.show, ANA, "h1", "token")
    assert isinstance(outcome, Granted)
    till.provider.cancel_errors.clear()
    await wait_until(lambda: "but its hold was sold meanwhile" in caplog.text)
    assert len(await stall.shows.orders(stall.show)) == 1
