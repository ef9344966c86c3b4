"""Holds and orders: made by a worker of one version, gone on with by the other; and who may not make any."""

from functools import partial
from typing import Any

import pytest

from dropcast_client import (
    CallError,
    Held,
    HoldChanged,
    HoldExpired,
    HoldPlaced,
    HoldReleased,
    OrderConfirmed,
    Refused,
    Released,
    Restocked,
    Sold,
    SoldOut,
)
from tests.rolling.conftest import Sides
from tests.support.house import House
from tests.support.wait import wait_until
from tests.support.watching import watching

ONE = {"SCARF-RED": 1}


async def test_a_hold_of_one_is_found_under_its_key_and_released_at_the_other(sides: Sides) -> None:
    show = await sides.writer.live_show()
    drop = await sides.writer.drop(show, ONE)
    wanted: dict[str, Any] = {"show": show, "drop": drop, "sku": "SCARF-RED", "key": "mine"}
    async with watching(sides.writer, show, "ana") as here, watching(sides.reader, show, "ana") as there:
        held = await here.client.reserve(**wanted)
        assert isinstance(held, Held)
        placed = await there.hears(HoldPlaced)
        assert placed.hold.hold == held.hold
        again = await there.client.reserve(**wanted)
        assert isinstance(again, Held)
        assert (again.hold, again.expires_at_ms) == (held.hold, held.expires_at_ms)
        for watcher in (here, there):
            await watcher.hears(SoldOut)
        async with sides.reader.client("ben") as ben:
            refused = await ben.reserve(show=show, drop=drop, sku="SCARF-RED")
            assert isinstance(refused, Refused)
            assert refused.reason == "sold_out"
        assert isinstance(await there.client.release(show=show, hold=held.hold), Released)
        assert isinstance(await here.client.release(show=show, hold=held.hold), Released)
        for watcher in (here, there):
            await watcher.hears(HoldReleased)
            assert (await watcher.hears(Restocked)).free == 1
            assert watcher.client.holds(show) == ()


async def test_a_hold_of_one_is_paid_at_the_other_and_stays_sold(sides: Sides) -> None:
    show = await sides.writer.live_show()
    drop = await sides.writer.drop(show, ONE)
    async with watching(sides.writer, show, "ana") as here, watching(sides.reader, show, "ana") as there:
        held = await here.client.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(held, Held)
        sold = await there.client.checkout(show=show, hold=held.hold, payment="tok_approve")
        assert isinstance(sold, Sold)
        again = await here.client.checkout(show=show, hold=held.hold, payment="tok_approve")
        assert isinstance(again, Sold)
        assert (again.order, again.amount_minor) == (sold.order, sold.amount_minor)
        for watcher in (here, there):
            assert (await watcher.hears(OrderConfirmed)).hold.order == sold.order


async def test_a_payment_declined_at_one_is_undone_and_the_hold_paid_at_the_other(sides: Sides) -> None:
    show = await sides.writer.live_show()
    drop = await sides.writer.drop(show, ONE)
    async with watching(sides.writer, show, "ana") as here, watching(sides.reader, show, "ana") as there:
        held = await there.client.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(held, Held)
        declined = await here.client.checkout(show=show, hold=held.hold, payment="tok_decline")
        assert isinstance(declined, Refused)
        assert declined.reason == "declined"
        for watcher in (here, there):
            await watcher.hears(HoldChanged, 2)
            (hold,) = watcher.subscription.holds
            assert (hold.state, hold.expires_at_ms) == ("held", held.expires_at_ms)
        sold = await there.client.checkout(show=show, hold=held.hold, payment="tok_approve")
        assert isinstance(sold, Sold)


async def test_a_hold_that_runs_out_is_free_at_both(sides: Sides) -> None:
    show = await sides.writer.live_show()
    drop = await sides.writer.drop(show, ONE, hold_ms=1_000)
    async with watching(sides.writer, show, "ana") as here, watching(sides.reader, show, "ana") as there:
        held = await here.client.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(held, Held)
        for watcher in (here, there):
            assert (await watcher.hears(HoldExpired)).hold.hold == held.hold
            assert (await watcher.hears(Restocked)).free == 1
        late = await there.client.checkout(show=show, hold=held.hold, payment="tok_approve")
        assert isinstance(late, Refused)
        assert late.reason == "expired"
        again = await there.client.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(again, Held)


async def test_a_viewer_whom_one_muted_reserves_nothing_at_the_other_until_it_undoes_that(
    sides: Sides,
) -> None:
    show = await sides.writer.live_show()
    drop = await sides.writer.drop(show, ONE)
    async with (
        sides.writer.client("cleo", "creator") as here,
        sides.reader.client("cleo", "creator") as there,
        watching(sides.reader, show, "ana") as ana,
    ):
        await here.mute(show=show, viewer="ana")
        refused = await ana.client.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(refused, Refused)
        assert refused.reason == "muted"
        await there.mute(show=show, viewer="ana", mute=False)
        assert isinstance(await ana.client.reserve(show=show, drop=drop, sku="SCARF-RED"), Held)


async def test_a_viewer_whom_one_banned_leaves_both_and_comes_back_when_the_other_allows_it(
    sides: Sides,
) -> None:
    show = await sides.writer.live_show()
    drop = await sides.writer.drop(show, ONE)
    async with (
        sides.writer.client("cleo", "creator") as here,
        sides.reader.client("cleo", "creator") as there,
        watching(sides.writer, show, "ana") as ana_here,
        watching(sides.reader, show, "ana") as ana_there,
    ):
        await here.ban(show=show, viewer="ana")
        for watcher in (ana_here, ana_there):
            error = await watcher.subscription.wait_ended()
            assert isinstance(error, CallError)
            assert error.code == "banned"
        refused = await ana_there.client.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(refused, Refused)
        assert refused.reason == "banned"
        with pytest.raises(CallError):
            await ana_there.client.subscribe(show).ready()
        await there.ban(show=show, viewer="ana", ban=False)
        for house in (sides.writer, sides.reader):
            await wait_until(partial(may_watch, house, show))
        assert isinstance(await ana_here.client.reserve(show=show, drop=drop, sku="SCARF-RED"), Held)


async def may_watch(house: House, show: str) -> bool:
    async with house.client("ana") as ana:
        try:
            await ana.subscribe(show).ready()
        except CallError:
            return False
        return True


async def test_the_last_units_go_once_however_they_are_asked_for_at_both(sides: Sides) -> None:
    show = await sides.writer.live_show()
    drop = await sides.writer.drop(show, {"SCARF-RED": 5}, limit=1)
    granted = 0
    async with sides.writer.client("ana") as here, sides.reader.client("ben") as there:
        drop_two = await sides.reader.drop(show, {"SCARF-BLUE": 5}, limit=1)
        for client in (here, there):
            for wanted, sku in ((drop, "SCARF-RED"), (drop_two, "SCARF-BLUE")):
                granted += isinstance(await client.reserve(show=show, drop=wanted, sku=sku), Held)
                more = await client.reserve(show=show, drop=wanted, sku=sku)
                assert isinstance(more, Refused)
                assert more.reason == "limit"
    assert granted == 4
