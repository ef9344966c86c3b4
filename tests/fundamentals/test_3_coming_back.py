"""Third: connections are lost. A viewer who comes back gets exactly what was missed, and the hold is still there."""

from dropcast_client import Announcement, Held, HoldExpired, Recovered
from tests.support.house import House
from tests.support.proxy import Proxy


async def test_events_that_were_missed_come_with_the_reconnect(house: House) -> None:
    show = await house.live_show()
    async with (
        Proxy(house.port) as proxy,
        house.client("cleo", "creator") as cleo,
        house.client("ana", url=f"ws://127.0.0.1:{proxy.port}") as ana,
    ):
        subscription = ana.subscribe(show)
        await subscription.ready()
        events = aiter(subscription)

        await cleo.announce(show=show, text="one")
        proxy.cut()
        await cleo.announce(show=show, text="two")
        await cleo.announce(show=show, text="three")

        texts, recovered = [], False
        async for event in events:
            if isinstance(event, Announcement):
                texts.append(event.text)
            recovered = recovered or isinstance(event, Recovered)
            if recovered and len(texts) == 3:
                break
        assert texts == ["one", "two", "three"]


async def test_a_hold_survives_the_connection_that_made_it(house: House) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"SCARF-RED": 1})
    async with house.client("ana") as ana:
        hold = await ana.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(hold, Held)
    async with house.client("ana") as ana:
        await ana.subscribe(show).ready()
        assert [held.hold for held in ana.holds(show)] == [hold.hold]


async def test_a_hold_that_is_not_paid_in_time_expires_and_its_holder_is_told(house: House) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"SCARF-RED": 1}, hold_ms=1000)
    async with house.client("ana") as ana, house.client("ben") as ben:
        events = aiter(ana.subscribe(show))
        hold = await ana.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(hold, Held)
        expired = await anext(event async for event in events if isinstance(event, HoldExpired))
        assert expired.hold.hold == hold.hold
        # The unit is free again for whoever is quick.
        assert isinstance(await ben.reserve(show=show, drop=drop, sku="SCARF-RED"), Held)
