"""HTTP: who may, what is refused, and that a bad request leaves everything as it was."""

import asyncio

import pytest

from tests.support.house import House


async def test_the_worker_says_that_it_lives_and_is_ready(house: House) -> None:
    async with house.http() as http:
        assert (await http.get("/healthz")).json()["status"] == "ok"
        assert (await http.get("/readyz")).json() == {"status": "ready"}


async def test_an_unknown_path_and_an_unknown_show_are_not_found(house: House) -> None:
    async with house.http() as http:
        for path in ("/v2/shows", "/v1/shows/nobody", "/v1/shows/nobody/snapshot", "/v1/products/nothing"):
            answer = await http.get(path)
            assert answer.status_code == 404
            assert answer.json()["error"]["code"] == "not_found"


async def test_a_wrong_method_is_said_to_be_one(house: House) -> None:
    async with house.http() as http:
        assert (await http.delete("/v1/shows")).status_code == 405


@pytest.mark.parametrize(
    ("header", "status"), [("Bearer nonsense", 401), ("Basic YTpi", 401), ("Bearer", 401), ("", 401)]
)
async def test_a_bad_authorization_is_unauthorized(house: House, header: str, status: int) -> None:
    async with house.http() as http:
        answer = await http.post("/v1/shows", json={}, headers={"authorization": header})
        assert answer.status_code == status
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_only_creators_schedule_and_only_for_themselves(house: House) -> None:
    body = {"title": "T", "currency": "EUR"}
    async with house.http("ana") as ana, house.http("cleo", "creator") as cleo:
        assert (await ana.post("/v1/shows", json=body)).status_code == 403
        assert (await cleo.post("/v1/shows", json={**body, "creator": "zoe"})).status_code == 403
    async with house.http("olga", "operator") as olga:
        assert (await olga.post("/v1/shows", json={**body, "creator": "zoe"})).json()["creator"] == "zoe"


async def test_a_show_without_an_id_gets_one_from_its_key_so_a_retry_makes_one_show(house: House) -> None:
    async with house.http("cleo", "creator") as http:
        body, key = {"title": "T", "currency": "EUR"}, {"idempotency-key": "saturday"}
        first = await http.post("/v1/shows", json=body, headers=key)
        again = await http.post("/v1/shows", json=body, headers=key)
        assert first.json()["id"] == again.json()["id"]
        other = await http.post("/v1/shows", json={**body, "title": "Other"}, headers=key)
        assert other.status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"title": "T"}',
        b'{"title": "T", "currency": "euro"}',
        b'{"title": "T", "currency": "EUR", "id": "a b"}',
        b'{"title": "T", "currency": "EUR", "colour": 1}',
        b'{"title": "\xff", "currency": "EUR"}',
        b"[" * 100_000,
    ],
)
async def test_a_bad_body_is_a_bad_request(house: House, body: bytes) -> None:
    async with house.http("cleo", "creator") as http:
        answer = await http.post("/v1/shows", content=body)
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "bad_request"


@pytest.mark.parametrize(
    "pin",
    [
        {"product": "nothing", "units": {"MUG": 1}},
        {"product": "mug", "units": {"SCARF-RED": 1}},
        {"product": "mug", "units": {}},
        {"product": "mug", "units": {"MUG": 0}},
        {"product": "mug", "units": {"MUG": 1}, "prices": {"OTHER": 1}},
        {"product": "mug", "units": {"MUG": 1}, "limit": 0},
    ],
)
async def test_a_bad_pin_makes_no_drop(house: House, pin: dict[str, object]) -> None:
    show = await house.live_show()
    async with house.http("cleo", "creator") as http:
        assert (await http.post(f"/v1/shows/{show}/drops", json=pin)).status_code in (404, 422)
        assert (await http.get(f"/v1/shows/{show}/drops")).json()["items"] == []


async def test_an_announcement_carries_free_data_to_the_viewers(house: House) -> None:
    show = await house.live_show()
    async with house.client("ana") as ana, house.http("cleo", "creator") as http:
        subscription = ana.subscribe(show)
        await subscription.ready()
        events = aiter(subscription)
        data = {"confetti": [1, 2.5, None, {"deep": True}]}
        answer = await http.post(f"/v1/shows/{show}/announcements", json={"text": "Hi", "data": data})
        assert answer.status_code == 201
        async with asyncio.timeout(5):
            async for event in events:
                if getattr(event, "text", None) == "Hi":
                    assert event.data == data  # type: ignore[union-attr]
                    break


async def test_a_broken_catalogue_changes_nothing(house: House) -> None:
    async with house.http("olga", "operator") as http:
        before = (await http.get("/v1/products")).json()
        broken = b"Handle,Title,Variant SKU,Variant Price\nnew,New,NEW,1.00\nbad,Bad,BAD,a lot\n"
        answer = await http.post("/v1/products?currency=EUR", content=broken)
        assert answer.status_code == 422
        assert "line 3" in answer.json()["error"]["message"]
        assert (await http.get("/v1/products")).json() == before


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=-1", "limit=1.5"])
async def test_a_page_of_a_wrong_size_is_a_bad_request(house: House, query: str) -> None:
    async with house.http() as http:
        assert (await http.get(f"/v1/shows?{query}")).status_code == 422


async def test_a_head_too_large_is_refused(house: House) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-big: " + b"x" * 20_000 + b"\r\n\r\n")
    async with asyncio.timeout(5):
        assert b" 431 " in await reader.readline()
    writer.close()
    await writer.wait_closed()
