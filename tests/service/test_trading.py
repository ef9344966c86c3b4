"""What a viewer may ask is decided before a trade is submitted: how often, and how many guests an address has."""

import asyncio
from collections.abc import Callable

import pytest

from dropcast.domain.faults import Fault, RateLimited
from dropcast.domain.ids import hold_id
from dropcast.domain.trades import Expire, Granted, Outcome, Refused
from dropcast.domain.viewer import Role, Viewer
from dropcast.metrics import counts
from dropcast.payments.sandbox import Sandbox
from dropcast.service.buyer_limits import BuyerLimits
from dropcast.service.checkout import Checkout
from dropcast.service.trading import Trading
from dropcast.wire.commands import Release, Reserve
from tests.service.conftest import Parts
from tests.support.engine import Stall, a_drop
from tests.support.recorder import Recorder
from tests.support.wait import wait_until

ANA = Viewer(id="ana", role=Role.VIEWER)
HOME = "203.0.113.7"


def guest(number: int) -> Viewer:
    return Viewer(id=f"guest-{number}", role=Role.VIEWER, expires_at_s=4_000_000_000, guest=True)


class Buyers:
    """Trading as a socket uses it."""

    def __init__(self, parts: Parts, reserves_per_s: int = 1_000) -> None:
        self.member = Recorder()
        self.trading = Trading(
            desk=parts.desk,
            stage=parts.stage,
            clock=parts.clock,
            limits=BuyerLimits(reserves_per_s=reserves_per_s, refusals_per_s=50, burst_s=4, payments_max=2),
            guests_per_address_max=2,
        )

    async def reserve(
        self, viewer: Viewer, key: str = "key", address: str = HOME, drop: str = "d1"
    ) -> Outcome:
        command = Reserve(id=1, show="friday", drop=drop, sku="RED", qty=1, key=key)
        return await _outcome(lambda done: self.trading.reserve(self.member, viewer, command, done, address))

    async def release(self, viewer: Viewer, key: str = "key") -> Outcome:
        command = Release(id=1, show="friday", hold=hold_id(viewer.id, key))
        return await _outcome(lambda done: self.trading.release(viewer, command, done))


async def _outcome(ask: Callable[[Callable[[Outcome | Fault], None]], None]) -> Outcome:
    future: asyncio.Future[Outcome | Fault] = asyncio.get_running_loop().create_future()
    ask(future.set_result)
    outcome = await future
    if isinstance(outcome, Fault):
        raise outcome
    return outcome


async def test_a_viewer_reserves_so_often_whatever_the_socket_and_others_are_not_slowed_down(
    parts: Parts, stall: Stall
) -> None:
    buyers, hits = Buyers(parts, reserves_per_s=1), counts.limited["viewer_reserves_per_s"]
    for _ in range(4):
        assert isinstance(await buyers.reserve(ANA), Granted)
    before = await stall.journal()
    with pytest.raises(RateLimited) as raised:
        await buyers.reserve(ANA, "another key")
    assert (raised.value.code, raised.value.temporary) == ("rate_limited", True)
    assert await stall.journal() == before
    assert counts.limited["viewer_reserves_per_s"] == hits + 1
    assert isinstance(await buyers.reserve(Viewer(id="ben", role=Role.VIEWER)), Granted)


async def test_whoever_may_reserve_no_more_may_still_give_back(parts: Parts, stall: Stall) -> None:
    buyers = Buyers(parts, reserves_per_s=1)
    for _ in range(4):
        await buyers.reserve(ANA)
    with pytest.raises(RateLimited):
        await buyers.reserve(ANA)
    for _ in range(4):
        assert isinstance(await buyers.release(ANA), Granted)
    with pytest.raises(RateLimited):
        await buyers.release(ANA)
    assert await stall.audit() == []


async def test_so_many_checkouts_of_a_viewer_are_under_way_at_once(parts: Parts, stall: Stall) -> None:
    hits = counts.limited["payments_per_viewer_max"]
    limits = BuyerLimits(reserves_per_s=1_000, refusals_per_s=50, burst_s=4, payments_max=2)
    checkout = Checkout(
        desk=parts.desk,
        store=parts.store,
        stage=parts.stage,
        provider=Sandbox(slow_ms=1),
        timeout_ms=5_000,
    )
    buyers = Buyers(parts)
    await buyers.reserve(ANA)
    with limits.payment("ana"), limits.payment("ana"):
        with pytest.raises(RateLimited, match="2 checkouts"), limits.payment("ana"):
            await checkout.pay("friday", ANA, hold_id("ana", "key"), "tok_approve")
        with limits.payment("ben"):
            pass
    assert counts.limited["payments_per_viewer_max"] == hits + 1
    # One that failed has ended as well.
    for _ in range(3):
        with pytest.raises(ValueError, match="failed"), limits.payment("ana"):
            raise ValueError("failed")
    with limits.payment("ana"):
        sold, _ = await checkout.pay("friday", ANA, hold_id("ana", "key"), "tok_approve")
    assert isinstance(sold, Granted)


async def test_checkouts_and_releases_share_a_bucket(parts: Parts) -> None:
    limits = BuyerLimits(reserves_per_s=1, refusals_per_s=50, burst_s=4, payments_max=2)
    for _ in range(4):
        with limits.payment("ana"):
            pass
    with pytest.raises(RateLimited, match="slow down"), limits.payment("ana"):
        pass


@pytest.mark.parametrize("is_followed", [True, False], ids=["followed", "not followed"])
async def test_guests_of_an_address_have_so_many_places(
    parts: Parts, stall: Stall, is_followed: bool
) -> None:
    if is_followed:
        await parts.stage.enter("friday")
    await stall.shows.pin("friday", a_drop("d2", {"RED": 50}))
    buyers, hits = Buyers(parts), counts.limited["guest_buyers_per_address_max"]
    tried = await asyncio.gather(
        *(buyers.reserve(guest(number), drop="d2") for number in range(6)), return_exceptions=True
    )
    assert [type(outcome) for outcome in tried] == [Granted] * 2 + [RateLimited] * 4
    assert counts.limited["guest_buyers_per_address_max"] == hits + 4
    assert await stall.units("RED", "d2") == (48, 2, 0, 50)
    # Whoever has a place, has a token, or comes from elsewhere is not refused.
    assert isinstance(await buyers.reserve(guest(0), "another key", drop="d2"), Granted)
    assert isinstance(await buyers.reserve(ANA, drop="d2"), Granted)
    assert isinstance(await buyers.reserve(guest(7), drop="d2", address="203.0.113.8"), Granted)
    assert isinstance(await buyers.reserve(guest(8), drop="d2", address=""), Granted)


async def test_a_place_is_free_when_its_guest_gives_back_or_runs_out_of_time(
    parts: Parts, stall: Stall
) -> None:
    await parts.stage.enter("friday")
    buyers = Buyers(parts)
    for number in range(2):
        assert isinstance(await buyers.reserve(guest(number)), Granted)

    async def may_buy(number: int) -> bool:
        try:
            return isinstance(await buyers.reserve(guest(number)), Granted)
        except RateLimited:
            return False

    assert not await may_buy(2)
    assert isinstance(await buyers.release(guest(0)), Granted)
    await wait_until(lambda: may_buy(2))
    assert not await may_buy(3)
    await stall.make_due("h:" + hold_id("guest-1", "key"))
    await stall.trade(Expire())
    await wait_until(lambda: may_buy(3))


async def test_a_guest_who_holds_something_by_another_worker_is_not_refused(
    parts: Parts, stall: Stall
) -> None:
    await parts.stage.enter("friday")
    await stall.shows.pin("friday", a_drop("d2", {"RED": 50}))
    here, there = Buyers(parts), Buyers(parts)
    await there.reserve(guest(7), drop="d2")
    for number in range(2):
        await here.reserve(guest(number), drop="d2")
    live = parts.stage.loaded("friday")
    assert live is not None
    await wait_until(lambda: live.state is not None and live.state.holds_of("guest-7"))
    assert isinstance(await here.reserve(guest(7), "another key", drop="d2"), Granted)
    with pytest.raises(RateLimited):
        await here.reserve(guest(8), drop="d2")


async def test_a_guest_who_is_refused_by_the_show_takes_no_place(parts: Parts, stall: Stall) -> None:
    buyers = Buyers(parts)
    for number in range(3):
        await buyers.reserve(Viewer(id=f"viewer-{number}", role=Role.VIEWER))
    for number in range(5):
        assert isinstance(await buyers.reserve(guest(number)), Refused)
