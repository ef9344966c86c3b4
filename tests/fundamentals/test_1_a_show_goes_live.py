"""First: a show is scheduled, goes live, and everybody who watches sees the same card at once.

Read these files in order: together they are a tour of dropcast. `house` is a real server with two workers.
"""

from dropcast_client import DropOpened, Resynced, ShowEnded
from tests.support.house import House


async def test_a_creator_schedules_and_starts_a_show(house: House) -> None:
    async with house.http("cleo", "creator") as http:
        scheduled = await http.post("/v1/shows", json={"id": "friday", "title": "Friday", "currency": "EUR"})
        assert scheduled.json()["status"] == "scheduled"

        await http.post("/v1/shows/friday/start")
        show = (await http.get("/v1/shows/friday")).json()
        assert show["status"] == "live"
        assert show["creator"] == "cleo"


async def test_every_viewer_sees_a_pinned_product_at_once(house: House) -> None:
    show = await house.live_show(creator="cleo")
    async with (
        house.client("cleo", "creator") as cleo,
        house.client("ana") as ana,
        house.client() as anonymous,  # may watch, may not buy
    ):
        watching = [viewer.subscribe(show) for viewer in (ana, anonymous)]
        for subscription in watching:
            # The first event is the whole present state.
            assert isinstance(await anext(subscription), Resynced)

        # A pin names a product of the catalogue and how many units of each SKU this drop may sell.
        done = await cleo.pin(show=show, product="scarf", units={"SCARF-RED": 3}, limit=2)

        for subscription in watching:
            card = await anext(event async for event in subscription if isinstance(event, DropOpened))
            assert card.drop.drop == done.drop
            assert card.drop.card.title == "Merino scarf"
            assert card.drop.prices == {"SCARF-RED": 2900}  # minor units: 29.00 EUR
            assert card.drop.stock == {"SCARF-RED": 3}


async def test_numbered_events_tell_the_show_from_its_start_to_its_end(house: House) -> None:
    show = await house.live_show(creator="cleo")
    async with house.client("ana") as ana, house.http("cleo", "creator") as http:
        subscription = ana.subscribe(show)
        state = await subscription.ready()
        assert state.show.status == "live"

        seen = aiter(subscription)
        await http.post(f"/v1/shows/{show}/end")
        ended = await anext(event async for event in seen if isinstance(event, ShowEnded))
        # show_started was number 1; nothing else has happened in between.
        assert ended.seq == 2
