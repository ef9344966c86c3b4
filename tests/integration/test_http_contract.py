"""HTTP: what fuzzing against its own document found once."""

import pytest

from tests.support.house import House


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/shows", {"GET", "HEAD", "POST"}),
        ("/v1/products/scarf", {"GET", "HEAD"}),
        ("/readyz", {"GET", "HEAD"}),
    ],
)
async def test_a_wrong_method_is_told_all_that_are_right(house: House, path: str, allowed: set[str]) -> None:
    async with house.http() as http:
        answer = await http.request("DELETE", path)
        assert answer.status_code == 405
        assert {method.strip() for method in answer.headers["allow"].split(",")} == allowed


async def test_head_is_answered_as_get_without_a_body(house: House) -> None:
    async with house.http() as http:
        answer = await http.head("/v1/shows")
        assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("key", ["", "x" * 129, "a\tb"])
async def test_a_bad_idempotency_key_is_refused_also_when_nothing_needs_it(house: House, key: str) -> None:
    body = {"id": "a-key-is-bad", "title": "T", "currency": "EUR"}
    async with house.http("cleo", "creator") as http:
        answer = await http.post("/v1/shows", json=body, headers={"idempotency-key": key})
        assert answer.status_code == 422
        assert "Idempotency-Key" in answer.json()["error"]["message"]
        assert (await http.get("/v1/shows/a-key-is-bad")).status_code == 404


@pytest.mark.parametrize("limit", ["0000000011999999", "000000000", "9" * 5_000])
async def test_a_page_cannot_be_made_large_by_leading_zeros(house: House, limit: str) -> None:
    async with house.http() as http:
        assert (await http.get(f"/v1/shows?limit={limit}")).status_code == 422


async def test_a_currency_with_a_line_feed_is_none(house: House) -> None:
    async with house.http("cleo", "creator") as http:
        answer = await http.post("/v1/shows", json={"title": "T", "currency": "EUR\n"})
        assert answer.status_code == 422
