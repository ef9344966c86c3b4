"""All that a whole server logs while people trade and misbehave: each line is one record, and none has a token."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from dropcast_client import Held
from tests.support.house import House
from tests.support.server import SECRET, Server
from tests.support.wait import wait_until

PAYMENT = "tok_approve"
GIVEN_ID = "gateway-7f3a"


class Spy(House):
    """A house that remembers every token that it has made."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.tokens: list[str] = []

    def token(self, viewer: str, role: str = "viewer", expires_s: int = 3600) -> str:
        self.tokens.append(super().token(viewer, role, expires_s))
        return self.tokens[-1]

    def expired_token(self, viewer: str) -> str:
        self.tokens.append(super().expired_token(viewer))
        return self.tokens[-1]


async def trade(house: Spy) -> str:
    """Buy and pay, and do much that is wrong. Return the hold that was paid."""
    show = await house.live_show()
    drop = await house.drop(show, {"MUG": 2}, product="mug")
    async with house.client("ana") as ana:
        await ana.subscribe(show).ready()
        held = await ana.reserve(show=show, drop=drop, sku="MUG", qty=1)
        assert isinstance(held, Held)
        await ana.checkout(show=show, hold=held.hold, payment=PAYMENT)
    await misuse_http(house, show)
    await misuse_socket(house, show)
    return held.hold


async def misuse_http(house: Spy, show: str) -> None:
    expired, token = house.expired_token("eve"), house.token("eve", "creator")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{house.port}", trust_env=False) as http:
        for authorization in (f"Bearer {expired}", f"bearer {token[:-3]}", token, f"Basic {token}"):
            await http.post(f"/v1/shows/{show}/end", headers={"authorization": authorization})
        # Where tokens do not belong.
        answer = await http.get(f"/v1/shows/{token}", headers={"x-request-id": token})
        assert answer.headers["x-request-id"] != token
        await http.get("/v1/shows", params={"access_token": token, "limit": token})
        await http.get("/healthz", headers={"x-request-id": GIVEN_ID, "cookie": token})
        body = {"title": f"{token}\r\nforged line", "currency": "EUR", "id": token[:64]}
        await http.post("/v1/shows", json=body, headers={"authorization": f"Bearer {token}"})


async def misuse_socket(house: Spy, show: str) -> None:
    expired, token = house.expired_token("eve"), house.token("eve")
    for first in (
        {"type": "hello", "id": 1, "token": expired},
        {"type": "hello", "id": 1, "token": token[:-3]},
        {"type": "hello", "id": 1, "token": token, "more": token},
        {"type": token, "id": 1},
    ):
        said = [
            first,
            {"type": "auth", "id": 2, "token": token[:-3]},
            {"type": "watch", "id": 3, "show": token},
            {"type": "checkout", "id": 4, "show": show, "hold": "h", "payment": token},
            token,
        ]
        subprotocol = Subprotocol("dropcast.v1.json")
        async with connect(f"{house.url}/v1/live", subprotocols=[subprotocol], proxy=None) as socket:
            # Some of it ends the connection.
            with suppress(ConnectionClosed):
                for words in said:
                    await socket.send(words if isinstance(words, str) else json.dumps(words))
                    await socket.recv()


@pytest.mark.parametrize("log_format", ["json", "text"])
async def test_a_run_at_the_most_talkative_level_tells_no_token(tmp_path: Path, log_format: str) -> None:
    server = Server(tmp_path, log_format=log_format, log_level="debug")
    try:
        house = Spy(server.settings, server.port, SECRET)
        await house.import_catalogue()
        hold = await trade(house)
        await wait_until(lambda: any("sold: order" in line for line in server.lines))
    finally:
        assert server.stop() == 0
    told = "".join(server.lines)
    assert len(house.tokens) >= 5
    for token in (*house.tokens, SECRET):
        # A signature or the claims alone would be too much as well.
        for part in (token, *token.split(".")[1:]):
            assert part not in told
    assert not re.search(r"eyJ[\w-]{8,}", told)
    assert PAYMENT not in told
    if log_format == "json":
        check_records([json.loads(line) for line in server.lines], hold)
    else:
        assert "forged line" not in {line.strip() for line in server.lines}


def check_records(records: list[dict[str, Any]], hold: str) -> None:
    for record in records:
        assert {"time", "level", "logger", "worker", "message"} <= record.keys()
        assert record["worker"] in ("supervisor", "w0", "w1")
    (sale,) = [record for record in records if record["message"].startswith("sold: order")]
    assert (sale["viewer"], sale["hold"]) == ("ana", hold)
    assert sale["show"].startswith("show-")
    assert sale["request"]
    (asked,) = [record for record in records if record.get("request") == GIVEN_ID]
    assert asked["message"].startswith("GET /healthz 200 in ")
    ended = [
        record for record in records if record["message"].startswith("POST") and "/end " in record["message"]
    ]
    assert {record["message"].split()[2] for record in ended} == {"401"}
    pinned = [record for record in records if "/drops 201" in record["message"]]
    assert {(record["viewer"], record["show"]) for record in pinned} == {("cleo", sale["show"])}
    assert len({record["request"] for record in records if "request" in record}) > 10


async def test_every_answer_carries_its_requests_id(house: House) -> None:
    async with house.http() as http:
        first, second = [(await http.get("/v1/shows")).headers["x-request-id"] for _ in range(2)]
        assert first != second
        for path, status in (("/v1/shows", 200), ("/nowhere", 404), ("/v1/shows/none", 404)):
            answer = await http.get(path, headers={"x-request-id": GIVEN_ID})
            assert (answer.status_code, answer.headers["x-request-id"]) == (status, GIVEN_ID)
        answer = await http.get("/v1/shows", headers={"x-request-id": "no id\tat all"})
        assert re.fullmatch(r"[0-9a-f]+-[0-9a-f]+", answer.headers["x-request-id"])
    subprotocol = Subprotocol("dropcast.v1.json")
    async with connect(
        f"{house.url}/v1/live",
        subprotocols=[subprotocol],
        proxy=None,
        additional_headers={"x-request-id": GIVEN_ID},
    ) as socket:
        assert socket.response is not None
        assert socket.response.headers["x-request-id"] == GIVEN_ID
