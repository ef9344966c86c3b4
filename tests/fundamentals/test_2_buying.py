"""Second: buying. Units are held, paid, or come back; what is gone is refused, and a refusal is an answer."""

from dropcast_client import Held, OrderConfirmed, Refused, Released, Sold
from tests.support.house import House


async def test_a_viewer_holds_a_unit_and_pays_for_it(house: House) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"SCARF-RED": 3})
    async with house.client("ana") as ana:
        events = aiter(ana.subscribe(show))

        hold = await ana.reserve(show=show, drop=drop, sku="SCARF-RED", qty=2)
        assert isinstance(hold, Held)
        assert hold.amount_minor == 2 * 2900

        order = await ana.checkout(show=show, hold=hold.hold, payment="tok_approve")
        assert isinstance(order, Sold)

        confirmed = await anext(event async for event in events if isinstance(event, OrderConfirmed))
        assert confirmed.hold.order == order.order


async def test_what_is_sold_out_is_refused_and_says_how_much_is_left(house: House) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"SCARF-RED": 1})
    async with house.client("ana") as ana, house.client("ben") as ben:
        assert isinstance(await ana.reserve(show=show, drop=drop, sku="SCARF-RED"), Held)
        refused = await ben.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(refused, Refused)
        assert (refused.reason, refused.free) == ("sold_out", 0)


async def test_a_released_unit_can_be_had_by_another(house: House) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"SCARF-RED": 1})
    async with house.client("ana") as ana, house.client("ben") as ben:
        hold = await ana.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(hold, Held)
        assert isinstance(await ana.release(show=show, hold=hold.hold), Released)
        assert isinstance(await ben.reserve(show=show, drop=drop, sku="SCARF-RED"), Held)


async def test_one_viewer_gets_no_more_than_the_drops_limit(house: House) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"SCARF-RED": 10}, limit=2)
    async with house.client("ana") as ana:
        assert isinstance(await ana.reserve(show=show, drop=drop, sku="SCARF-RED", qty=2), Held)
        refused = await ana.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(refused, Refused)
        assert refused.reason == "limit"


async def test_a_declined_card_leaves_the_hold_as_it_was(house: House) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"SCARF-RED": 1})
    async with house.client("ana") as ana:
        hold = await ana.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(hold, Held)
        declined = await ana.checkout(show=show, hold=hold.hold, payment="tok_decline")
        assert isinstance(declined, Refused)
        assert (declined.reason, declined.detail) == ("declined", "card declined")
        assert isinstance(await ana.checkout(show=show, hold=hold.hold, payment="tok_approve"), Sold)


async def test_the_same_key_is_the_same_hold(house: House) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"SCARF-RED": 5})
    async with house.client("ana") as ana:
        first = await ana.reserve(show=show, drop=drop, sku="SCARF-RED", key="tap-1")
        again = await ana.reserve(show=show, drop=drop, sku="SCARF-RED", key="tap-1")
        assert isinstance(first, Held)
        assert isinstance(again, Held)
        assert first.hold == again.hold
        async with house.http() as http:
            snapshot = (await http.get(f"/v1/shows/{show}/snapshot")).json()
        assert snapshot["state"]["drops"][0]["stock"] == {"SCARF-RED": 4}
