"""Checkout: a payment is charged once, undone when nothing is sold, and never lost between hold and order."""

import asyncio

import pytest

from dropcast.domain.faults import PaymentFault
from dropcast.domain.hold import HoldState
from dropcast.domain.ports import Charged, Declined
from dropcast.domain.trades import Granted, Reason, Refused
from dropcast.domain.viewer import Role, Viewer
from dropcast.payments.sandbox import Sandbox
from dropcast.service.checkout import Checkout
from tests.service.conftest import Parts
from tests.support.engine import Stall, reserve
from tests.support.wait import wait_until

ANA = Viewer(id="ana", role=Role.VIEWER)


class Ledger:
    """A provider that keeps what it was asked; `gate` holds charges back until it is set."""

    def __init__(self) -> None:
        self.charges: list[str] = []
        self.cancelled: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def charge(self, *, token: str, amount_minor: int, currency: str, key: str) -> Charged | Declined:
        self.charges.append(key)
        await self.gate.wait()
        return Charged(f"{amount_minor} {currency}")

    async def cancel(self, *, key: str) -> None:
        self.cancelled.append(key)


def checkout(parts: Parts, provider: Ledger | Sandbox, timeout_ms: int = 5_000) -> Checkout:
    return Checkout(
        desk=parts.desk, store=parts.store, stage=parts.stage, provider=provider, timeout_ms=timeout_ms
    )


async def test_an_approved_payment_makes_one_order_however_often_it_is_asked(
    parts: Parts, stall: Stall
) -> None:
    await stall.granted(reserve("h1", qty=2))
    ledger = Ledger()
    pay = checkout(parts, ledger)
    first, _ = await pay.pay(stall.show, ANA, "h1", "token")
    again, _ = await pay.pay(stall.show, ANA, "h1", "token")
    other, _ = await pay.pay(stall.show, ANA, "h1", "another token")
    for outcome in (first, again, other):
        assert isinstance(outcome, Granted)
        assert outcome.hold.state is HoldState.SOLD
    assert len(ledger.charges) == 1
    (order,) = await stall.shows.orders(stall.show)
    assert (order.payment, order.amount_minor) == ("5800 EUR", 5800)


async def test_two_tries_at_once_with_the_same_token_charge_under_one_key(parts: Parts, stall: Stall) -> None:
    await stall.granted(reserve("h1"))
    ledger = Ledger()
    pay = checkout(parts, ledger)
    outcomes = await asyncio.gather(*(pay.pay(stall.show, ANA, "h1", "token") for _ in range(2)))
    assert all(isinstance(outcome, Granted) for outcome, _ in outcomes)
    assert len(set(ledger.charges)) == 1
    assert ledger.cancelled == []
    assert len(await stall.shows.orders(stall.show)) == 1


async def test_another_token_is_refused_while_a_payment_is_under_way(parts: Parts, stall: Stall) -> None:
    await stall.granted(reserve("h1"))
    ledger = Ledger()
    ledger.gate.clear()
    pay = checkout(parts, ledger)
    first = asyncio.create_task(pay.pay(stall.show, ANA, "h1", "token"))
    await wait_until(lambda: ledger.charges)
    refused, _ = await pay.pay(stall.show, ANA, "h1", "another")
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.PAYING
    ledger.gate.set()
    outcome, _ = await first
    assert isinstance(outcome, Granted)


async def test_a_provider_that_does_not_answer_is_undone_and_the_hold_is_held_again(
    parts: Parts, stall: Stall
) -> None:
    await stall.granted(reserve("h1"))
    ledger = Ledger()
    ledger.gate.clear()
    with pytest.raises(PaymentFault):
        await checkout(parts, ledger, timeout_ms=50).pay(stall.show, ANA, "h1", "token")
    assert ledger.cancelled == ledger.charges
    hold = await stall.shows.hold(stall.show, "h1")
    assert hold is not None
    assert hold.state is HoldState.HELD


async def test_a_declined_payment_says_why_and_leaves_the_hold(parts: Parts, stall: Stall) -> None:
    await stall.granted(reserve("h1"))
    pay = checkout(parts, Sandbox(slow_ms=10))
    outcome, detail = await pay.pay(stall.show, ANA, "h1", "tok_decline")
    assert isinstance(outcome, Refused)
    assert (outcome.reason, detail) == (Reason.DECLINED, "card declined")
    slow, _ = await pay.pay(stall.show, ANA, "h1", "tok_slow")
    assert isinstance(slow, Granted)


async def test_an_approval_that_finds_the_hold_expired_is_undone(parts: Parts, stall: Stall) -> None:
    await stall.granted(reserve("h1"))
    ledger = Ledger()
    ledger.gate.clear()
    paying = asyncio.create_task(checkout(parts, ledger).pay(stall.show, ANA, "h1", "token"))
    await wait_until(lambda: ledger.charges)
    await stall.make_due("h:h1")
    ledger.gate.set()
    outcome, _ = await paying
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.EXPIRED
    assert ledger.cancelled == ledger.charges
    assert await stall.units() == (3, 0, 0, 3)
    assert await stall.shows.orders(stall.show) == []


async def test_another_viewers_hold_cannot_be_paid(parts: Parts, stall: Stall) -> None:
    await stall.granted(reserve("h1", "ben"))
    ledger = Ledger()
    outcome, _ = await checkout(parts, ledger).pay(stall.show, ANA, "h1", "token")
    assert not isinstance(outcome, Granted)
    assert ledger.charges == []
