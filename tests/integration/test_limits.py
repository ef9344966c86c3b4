"""Limits that settings set: connections by address, origins, commands by role, the end of a token; and moderation."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from tests.support.house import House
from tests.support.raw import connection, live, say, upgrade
from tests.support.server import SECRET, Server
from tests.support.tokens import token
from tests.support.wait import wait_until

SHOP = "https://shop.example"
MOST = 3


def started(tmp_path_factory: pytest.TempPathFactory, **flags: str | int) -> Iterator[tuple[House, Server]]:
    server = Server(tmp_path_factory.mktemp("limits"), **{"workers": 1, **flags})  # type: ignore[arg-type]
    try:
        house = House(server.settings, server.port, SECRET)
        asyncio.run(house.import_catalogue())
        yield house, server
    finally:
        assert server.stop() == 0, "".join(server.lines)
    assert "Traceback" not in "".join(server.lines)


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    for house, _ in started(
        tmp_path_factory,
        connections_per_address_max=MOST,
        trusted_proxies="127.0.0.1",
        allowed_origins=SHOP,
        anonymous_commands_per_s=3,
        viewer_commands_per_s=5,
        host_commands_per_s=10,
        command_burst_s=2,
        shows_per_socket_max=2,
    ):
        yield house


# Connections by address -------------------------------------------------------------------------------------


async def test_an_address_has_so_many_sockets_and_no_more(limited: House) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(MOST):
            await stack.enter_async_context(live(limited.port, hello={}, x_forwarded_for="203.0.113.7"))
        async with live(limited.port, x_forwarded_for="6.6.6.6, 203.0.113.7") as one_too_many:
            assert (await one_too_many.closed())[0] == 4004
        async with live(limited.port, hello={}, x_forwarded_for="203.0.113.8"):
            pass
    # Whoever leaves makes room.
    async with live(limited.port, hello={}, x_forwarded_for="203.0.113.7"):
        pass


async def test_without_a_proxy_every_connection_of_an_address_counts(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    server = await asyncio.to_thread(
        Server, tmp_path_factory.mktemp("direct"), workers=1, connections_per_address_max=MOST
    )
    try:
        async with AsyncExitStack() as stack:
            for _ in range(MOST - 1):
                await stack.enter_async_context(live(server.port, hello={}, x_forwarded_for="203.0.113.7"))
            await stack.enter_async_context(connection(server.port))
            async with live(server.port) as one_too_many:
                assert (await one_too_many.closed())[0] == 4004
            async with connection(server.port) as one_too_many:
                await one_too_many.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
                assert (await one_too_many.head())[0] == 429
    finally:
        assert await asyncio.to_thread(server.stop) == 0


# Origins ----------------------------------------------------------------------------------------------------


async def test_a_listed_page_may_connect_and_a_foreign_one_may_not(limited: House) -> None:
    async with live(limited.port, hello={}, origin=SHOP):
        pass
    async with connection(limited.port) as raw:
        await raw.send(upgrade(origin="https://evil.example"))
        assert (await raw.head())[0] == 403


async def test_the_http_api_tells_browsers_the_same_list(limited: House) -> None:
    ask = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    async with limited.http() as http:
        listed = await http.options("/v1/shows", headers={"origin": SHOP, **ask})
        assert listed.status_code == 200
        assert listed.headers["access-control-allow-origin"] == SHOP
        foreign = await http.options("/v1/shows", headers={"origin": "https://evil.example", **ask})
        assert "access-control-allow-origin" not in foreign.headers
        read = await http.get("/v1/shows", headers={"origin": SHOP})
        assert read.headers["access-control-allow-origin"] == SHOP
        assert "access-control-allow-credentials" not in read.headers


# Commands ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "most"), [(None, 6), ("viewer", 10), ("creator", 20)])
async def test_each_role_may_say_so_much_at_once_and_then_more_slowly(
    limited: House, role: str | None, most: int
) -> None:
    hello = {} if role is None else {"token": limited.token("cleo", role)}
    async with live(limited.port, hello=hello) as raw:
        await raw.send(b"".join(say({"type": "ping", "id": number}) for number in range(10, 10 + most + 3)))
        replies = [await raw.message() for _ in range(most + 3)]
        told = [reply.get("code", reply["type"]) for reply in replies]
        assert told.count("rate_limited") in (2, 3, 4)  # time passes while they are read
        assert all(reply["temporary"] for reply in replies if reply["type"] == "error")
        # The debt is paid off in time, and the socket lives.
        await asyncio.sleep(2)
        assert (await raw.ask({"type": "ping", "id": 1}))["type"] == "pong"


async def test_a_socket_watches_so_many_shows_and_no_more(limited: House) -> None:
    shows = [await limited.live_show() for _ in range(3)]
    async with live(limited.port, hello={"token": limited.token("ana")}) as raw:
        for number, show in enumerate(shows[:2]):
            assert (await raw.ask({"type": "watch", "id": number, "show": show}))["type"] == "watching"
        assert (await raw.ask({"type": "watch", "id": 7, "show": shows[2]}))["code"] == "too_large"
        await raw.ask({"type": "leave", "id": 8, "show": shows[0]})
        assert (await raw.ask({"type": "watch", "id": 9, "show": shows[2]}))["type"] == "watching"


# The end of a token -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["anonymous", "close"])
def expiring(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[House, str]]:
    for house, _ in started(tmp_path_factory, at_token_expiry=request.param, jwt_leeway_s=0):
        yield house, request.param


def lasting(expires_s: int, viewer: str = "ana") -> str:
    return token(SECRET, sub=viewer, exp=int(time.time()) + expires_s)


async def test_a_token_that_ends_leaves_an_anonymous_viewer_or_no_socket(expiring: tuple[House, str]) -> None:
    house, then = expiring
    show = await house.live_show()
    drop = await house.drop(show, {"MUG": 2}, product="mug")
    reserve = {"type": "reserve", "id": 3, "show": show, "drop": drop, "sku": "MUG", "qty": 1}
    async with (
        live(house.port, hello={"token": lasting(2)}) as raw,
        live(house.port, hello={"token": lasting(600)}) as other,
    ):
        await raw.ask({"type": "watch", "id": 2, "show": show})
        if then == "close":
            assert (await raw.closed())[0] == 4003
            return
        told = await raw.message()
        while told.get("code") != "token_expired":
            told = await raw.message()
        assert told["re"] is None
        assert (await raw.ask({**reserve, "key": "k"}))["code"] == "token_expired"
        # It watches on, but hears nothing personal any more, until the token is renewed.
        assert (await other.ask({**reserve, "key": "a"}))["type"] == "held"
        assert (await raw.ask({"type": "auth", "id": 4, "token": lasting(600, "ben")}))["code"] == "conflict"
        assert (await raw.ask({"type": "auth", "id": 5, "token": lasting(600)}))["viewer"] == "ana"
        assert (await other.ask({**reserve, "key": "b"}))["type"] == "held"
        personal = await raw.message()
        while personal["type"] not in ("hold_placed", "error"):
            personal = await raw.message()
        assert personal["offset"] > 2, "the second hold, not the first"
        assert (await raw.ask({"type": "release", "id": 6, "show": show, "hold": personal["hold"]["hold"]}))[
            "type"
        ] == "released"


async def test_a_token_renewed_in_time_does_not_end(expiring: tuple[House, str]) -> None:
    house, _ = expiring
    async with live(house.port, hello={"token": lasting(2)}) as raw:
        await raw.ask({"type": "auth", "id": 2, "token": lasting(600)})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3.5):
                await raw.message()
        assert (await raw.ask({"type": "ping", "id": 3}))["type"] == "pong"


# Moderation -------------------------------------------------------------------------------------------------


async def test_sales_are_frozen_and_thawed_by_an_operator(house: House) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"MUG": 5}, product="mug")
    reserve = {"type": "reserve", "id": 3, "show": show, "drop": drop, "sku": "MUG", "qty": 1}
    async with (
        live(house.port, hello={"token": house.token("ana")}) as ana,
        live(house.port, hello={"token": house.token("olga", "operator")}) as olga,
        house.http("olga", "operator") as http,
        house.http("cleo", "creator") as creator,
    ):
        assert (await olga.ask({"type": "freeze", "id": 2, "show": show}))["type"] == "done"
        assert (await ana.ask({**reserve, "key": "a"}))["reason"] == "frozen"
        assert (await http.post(f"/v1/shows/{show}/thaw")).status_code == 200
        assert (await ana.ask({**reserve, "key": "a"}))["type"] == "held"
        assert (await http.post(f"/v1/shows/{show}/freeze")).status_code == 200
        assert (await olga.ask({"type": "thaw", "id": 3, "show": show}))["type"] == "done"
        assert (await creator.post(f"/v1/shows/{show}/freeze")).status_code == 403


async def test_a_viewer_is_muted_and_banned_by_a_host(house: House) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"MUG": 5}, product="mug")
    reserve = {"type": "reserve", "id": 3, "show": show, "drop": drop, "sku": "MUG", "qty": 1, "key": "k"}
    async with (
        live(house.port, hello={"token": house.token("ana")}) as ana,
        live(house.port, hello={"token": house.token("cleo", "creator")}) as cleo,
        house.http("cleo", "creator") as http,
    ):
        assert (await cleo.ask({"type": "mute", "id": 2, "show": show, "viewer": "ana"}))["type"] == "done"
        assert (await ana.ask(reserve))["reason"] == "muted"
        answer = await http.post(f"/v1/shows/{show}/mutes", json={"viewer": "ana", "mute": False})
        assert answer.status_code == 200
        assert (await ana.ask(reserve))["type"] == "held"
        await ana.ask({"type": "watch", "id": 4, "show": show})
        assert (await http.post(f"/v1/shows/{show}/bans", json={"viewer": "ana"})).status_code == 200
        while (await ana.message())["type"] != "banned":
            pass
        assert (await ana.ask({"type": "watch", "id": 5, "show": show}))["code"] == "banned"
        ban = {"type": "ban", "id": 3, "show": show, "viewer": "ana", "ban": False}
        assert (await cleo.ask(ban))["type"] == "done"

        async def may_watch() -> bool:
            # Ana's worker hears of it after Cleo's engine call is done.
            return bool((await ana.ask({"type": "watch", "id": 6, "show": show}))["type"] == "watching")

        await wait_until(may_watch)
        answer = await http.post(f"/v1/shows/{show}/bans", json={"viewer": "ana", "ban": 1})
        assert answer.status_code == 422
