"""Fourth: what a back office does over HTTP, and how a retried request does not happen twice."""

from tests.support.house import House


async def test_a_product_is_pinned_once_however_often_the_request_is_sent(house: House) -> None:
    show = await house.live_show()
    async with house.http("cleo", "creator") as http:
        pin = {"product": "mug", "units": {"MUG": 5}}
        key = {"idempotency-key": "pin-the-mug"}
        first = await http.post(f"/v1/shows/{show}/drops", json=pin, headers=key)
        again = await http.post(f"/v1/shows/{show}/drops", json=pin, headers=key)
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json()["drop"] == again.json()["drop"]

        other = await http.post(f"/v1/shows/{show}/drops", json={**pin, "units": {"MUG": 4}}, headers=key)
        assert other.status_code == 409


async def test_a_drop_is_topped_up_repriced_and_unpinned(house: House) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"MUG": 2}, product="mug")
    async with house.http("cleo", "creator") as http:
        change = {"add_units": {"MUG": 3}, "prices": {"MUG": 999}}
        answer = await http.post(f"/v1/shows/{show}/drops/{drop}/update", json=change)
        assert answer.status_code == 200

        (listed,) = (await http.get(f"/v1/shows/{show}/drops")).json()["items"]
        assert listed["stock"] == {"MUG": 5}
        assert listed["prices"] == {"MUG": 999}

        await http.post(f"/v1/shows/{show}/drops/{drop}/unpin")
        (listed,) = (await http.get(f"/v1/shows/{show}/drops")).json()["items"]
        assert listed["status"] == "closed"


async def test_a_moderator_named_by_the_creator_may_pin_and_others_may_not(house: House) -> None:
    show = await house.live_show(moderators=("mo",))
    pin = {"product": "mug", "units": {"MUG": 1}}
    async with house.http("mo", "moderator") as mo, house.http("zoe", "creator") as zoe:
        assert (await mo.post(f"/v1/shows/{show}/drops", json=pin)).status_code == 201
        refused = await zoe.post(f"/v1/shows/{show}/drops", json=pin)
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "forbidden"


async def test_lists_come_in_pages(house: House) -> None:
    async with house.http() as http:
        first = (await http.get("/v1/products?limit=1")).json()
        assert [item["handle"] for item in first["items"]] == ["mug"]
        second = (await http.get(f"/v1/products?limit=1&after={first['next']}")).json()
        assert [item["handle"] for item in second["items"]] == ["scarf"]
