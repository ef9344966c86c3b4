"""What one viewer, one host, one show and one address may ask for: whatever sockets and requests it comes by."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.support.house import House
from tests.support.raw import Raw, live, say
from tests.support.server import SECRET, Server
from tests.support.wait import wait_until

PER_MIN = 20
PLACES = 3
PROXY = "127.0.0.1"


def served(server: Server) -> Iterator[House]:
    try:
        house = House(server.settings, server.port, SECRET)
        asyncio.run(house.import_catalogue())
        yield house
    finally:
        assert server.stop() == 0, "".join(server.lines)
    assert "Traceback" not in "".join(server.lines)


@pytest.fixture(scope="module")
def one_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """What a worker counts: viewers, hosts and guests."""
    yield from served(
        Server(
            tmp_path_factory.mktemp("one"),
            workers=1,
            guest_buying=True,
            trusted_proxies=PROXY,
            viewer_reserves_per_s=1,
            host_commands_per_s=5,
            command_burst_s=10,
            payments_per_viewer_max=2,
            guest_buyers_per_address_max=PLACES,
            refused_tokens_per_socket_max=3,
        )
    )


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """What the engine counts: the shows."""
    yield from served(
        Server(
            tmp_path_factory.mktemp("two"),
            workers=2,
            host_commands_per_show_per_min=PER_MIN,
            log_bytes_per_show_per_min=100_000,
            event_bytes_max=20_000,
            shows_per_creator_per_min=4,
        )
    )


async def replies(raw: Raw, count: int) -> list[dict[str, Any]]:
    """Read so many replies, and let events and what is personal go by."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        message = await raw.message()
        if message.get("re") is not None:
            found.append(message)
    return found


def told(reply: dict[str, Any]) -> str:
    return str(reply.get("code", reply["type"]))


# One viewer -------------------------------------------------------------------------------------------------


async def test_a_viewer_on_many_sockets_reserves_as_often_as_on_one(one_worker: House) -> None:
    show = await one_worker.live_show("vera")
    async with AsyncExitStack() as stack:
        token = {"token": one_worker.token("ana")}
        sockets = [await stack.enter_async_context(live(one_worker.port, hello=token)) for _ in range(8)]
        for place, raw in enumerate(sockets):
            reserves = [
                {"type": "reserve", "id": 10 + number, "show": show, "drop": "d", "sku": "MUG", "qty": 1}
                for number in range(5)
            ]
            await raw.send(b"".join(say({**r, "key": f"k{place}-{r['id']}"}) for r in reserves))
        outcomes: Counter[str] = Counter()
        for raw in sockets:
            got = await replies(raw, 5)
            assert sorted(reply["re"] for reply in got) == [10, 11, 12, 13, 14]
            assert all(reply["temporary"] for reply in got if told(reply) == "rate_limited")
            outcomes.update(map(told, got))
        # Ten seconds' worth at once, and a few more while the forty were read.
        assert 10 <= outcomes["not_found"] <= 16
        assert outcomes["not_found"] + outcomes["rate_limited"] == 40
        # Somebody else is not slowed down, and the sockets live on.
        async with live(one_worker.port, hello={"token": one_worker.token("ben")}) as other:
            reserve = {
                "type": "reserve",
                "id": 3,
                "show": show,
                "drop": "d",
                "sku": "MUG",
                "qty": 1,
                "key": "k",
            }
            assert told(await other.ask(reserve)) == "not_found"
        for raw in sockets:
            assert (await raw.ask({"type": "ping", "id": 99}))["type"] == "pong"


async def test_a_viewer_who_goes_on_though_refused_is_sent_away_socket_by_socket(two_workers: House) -> None:
    """As a socket that floods is, though each of these keeps to the rate of a socket."""
    async with AsyncExitStack() as stack:
        token = {"token": two_workers.token("flo")}
        sockets = [await stack.enter_async_context(live(two_workers.port, hello=token)) for _ in range(24)]
        reserve = {"type": "reserve", "id": 5, "show": "none", "drop": "d", "sku": "MUG", "qty": 1}
        for place, raw in enumerate(sockets):
            await raw.send(b"".join(say({**reserve, "key": f"k{place}-{n}"}) for n in range(150)))
        endings = [asyncio.create_task(raw.closed()) for raw in sockets]
        await wait_until(lambda: sum(ending.done() for ending in endings) >= len(sockets) // 2)
        assert {ending.result()[0] for ending in endings if ending.done()} == {4005}
        for ending in endings:
            ending.cancel()
        await asyncio.gather(*endings, return_exceptions=True)
    async with live(two_workers.port, hello={"token": two_workers.token("ben")}) as other:
        assert (await other.ask({"type": "ping", "id": 99}))["type"] == "pong"


async def test_so_many_payments_of_a_viewer_are_under_way_at_once(one_worker: House) -> None:
    show = await one_worker.live_show("cleo")
    drop = await one_worker.drop(show, {"SCARF-RED": 9}, limit=9)
    async with live(one_worker.port, hello={"token": one_worker.token("payer")}) as raw:
        holds = []
        for number in range(3):
            reserve = {"type": "reserve", "id": 2, "show": show, "drop": drop, "sku": "SCARF-RED", "qty": 1}
            holds.append((await raw.ask({**reserve, "key": f"k{number}"}))["hold"])
        for number, hold in enumerate(holds):
            pay = {"type": "checkout", "id": 10 + number, "show": show, "hold": hold, "payment": "tok_slow"}
            await raw.send(say(pay))
        got = {reply["re"]: told(reply) for reply in await replies(raw, 3)}
        assert got == {10: "sold", 11: "sold", 12: "rate_limited"}
        pay = {"type": "checkout", "id": 20, "show": show, "hold": holds[2], "payment": "tok_approve"}
        assert told(await raw.ask(pay)) == "sold"


async def test_a_socket_is_closed_that_is_wrong_about_its_token_again_and_again(one_worker: House) -> None:
    async with live(one_worker.port, hello={"token": one_worker.token("ana")}) as raw:
        for number in range(3):
            await raw.send(say({"type": "auth", "id": number, "token": f"nonsense {number}"}))
        code, messages = await raw.closed()
        assert code == 4501
        assert [told(message) for message in messages] == ["unauthorized"] * 3
    async with live(one_worker.port, hello={"token": one_worker.token("ana")}) as raw:
        for number in range(3):
            await raw.send(say({"type": "auth", "id": number, "token": one_worker.expired_token("ana")}))
        assert (await raw.closed())[0] == 4003


# One host ---------------------------------------------------------------------------------------------------


async def test_a_host_commands_so_often_over_sockets_and_http_together(one_worker: House) -> None:
    show = await one_worker.live_show("hanna")
    outcomes: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        token = {"token": one_worker.token("hanna", "creator")}
        sockets = [await stack.enter_async_context(live(one_worker.port, hello=token)) for _ in range(3)]
        http = await stack.enter_async_context(one_worker.http("hanna", "creator"))
        for raw in sockets:
            announce = {"type": "announce", "show": show, "text": "hello"}
            commands = ({**announce, "id": number, "key": f"{id(raw)}-{number}"} for number in range(20))
            await raw.send(b"".join(map(say, commands)))
        posts = [http.post(f"/v1/shows/{show}/announcements", json={"text": "hello"}) for _ in range(40)]
        answers = await asyncio.gather(*posts)
        for raw in sockets:
            outcomes.update(map(told, await replies(raw, 20)))
        for answer in answers:
            outcomes["done" if answer.status_code == 201 else answer.json()["error"]["code"]] += 1
            if answer.status_code == 429:
                assert int(answer.headers["retry-after"]) >= 1
                assert answer.json()["error"]["temporary"]
        # Ten seconds' worth (less the start of the show), and a few more while all that took its time.
        assert 40 <= outcomes["done"] <= 75
        assert outcomes["done"] + outcomes["rate_limited"] == 100
        # That kept nobody from ending it.
        assert (await http.post(f"/v1/shows/{show}/bans", json={"viewer": "eve"})).status_code == 200
        assert (await http.post(f"/v1/shows/{show}/end")).status_code == 200


async def test_a_creator_schedules_so_many_shows_a_minute(two_workers: House) -> None:
    body = {"title": "A show", "currency": "EUR"}
    # One connection is one worker.
    async with two_workers.http("sam", "creator") as http, two_workers.http("olga", "operator") as operator:
        answers = [await http.post("/v1/shows", json=body) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [201] * 4 + [429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 15
        for _ in range(6):
            answer = await operator.post("/v1/shows", json={**body, "creator": "sam"})
            assert answer.status_code == 201


# One show ---------------------------------------------------------------------------------------------------


async def test_a_show_takes_so_many_commands_a_minute_over_all_hosts_workers_and_ways(
    two_workers: House,
) -> None:
    show = await two_workers.live_show("cleo", moderators=("mo",))
    drop = await two_workers.drop(show, {"SCARF-RED": 9})
    outcomes: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(
                live(two_workers.port, hello={"token": two_workers.token(name, role)})
            )
            for name, role in (("cleo", "creator"), ("mo", "moderator"), ("olga", "operator")) * 3
        ]
        http = await stack.enter_async_context(two_workers.http("cleo", "creator"))
        opening = {"type": "announce", "show": show, "text": "welcome", "id": 50, "key": "opening"}
        first = await sockets[0].ask(opening)
        assert first["type"] == "done"
        assert "again" not in first
        for place, raw in enumerate(sockets):
            announce = {"type": "announce", "show": show, "text": "hello"}
            commands = ({**announce, "id": number, "key": f"{place}-{number}"} for number in range(5))
            await raw.send(b"".join(map(say, commands)))
        for raw in sockets:
            outcomes.update(map(told, await replies(raw, 5)))
        # The pin and the opening were the first.
        assert outcomes == {"done": PER_MIN - 2, "rate_limited": 45 - PER_MIN + 2}
        refused = await http.post(
            f"/v1/shows/{show}/announcements", json={"text": "hello"}, headers={"idempotency-key": "later"}
        )
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert "try again in" in refused.json()["error"]["message"]
        pin = await http.post(f"/v1/shows/{show}/drops", json={"product": "scarf", "units": {"SCARF-RED": 1}})
        assert pin.status_code == 429
        update = await http.post(f"/v1/shows/{show}/drops/{drop}/update", json={"limit": 3})
        assert update.status_code == 429
        # What was done before is answered as before.
        assert await sockets[1].ask(opening) == {**first, "again": True}
        assert (await http.post(f"/v1/shows/{show}/mutes", json={"viewer": "eve"})).status_code == 200
        assert (await http.post(f"/v1/shows/{show}/drops/{drop}/unpin")).status_code == 200
        assert (await http.post(f"/v1/shows/{show}/end")).status_code == 200


async def test_a_show_takes_so_many_bytes_a_minute(two_workers: House) -> None:
    show = await two_workers.live_show()
    async with two_workers.http("cleo", "creator") as http:
        path = f"/v1/shows/{show}/announcements"
        body = {"text": "hello", "data": "x" * 15_000}
        statuses = [(await http.post(path, json=body)).status_code for _ in range(8)]
        assert statuses == [201] * 6 + [429] * 2
        assert (await http.post(path, json={"text": "hello"})).status_code == 201


async def test_an_event_has_a_bounded_weight(two_workers: House) -> None:
    show = await two_workers.live_show()
    async with two_workers.http("cleo", "creator") as http:
        path = f"/v1/shows/{show}/announcements"
        body = json.dumps({"text": "hello", "data": "x" * 30_000})
        too_large = await http.post(path, content=body)
        assert (too_large.status_code, too_large.json()["error"]["code"]) == (413, "too_large")
        assert (await http.post(path, json={"text": "hello", "data": "x" * 19_000})).status_code == 201
    async with live(two_workers.port, hello={"token": two_workers.token("cleo", "creator")}) as raw:
        announce = {"type": "announce", "id": 2, "show": show, "text": "hello", "key": "k"}
        assert told(await raw.ask({**announce, "data": "x" * 25_000})) == "too_large"
        assert told(await raw.ask({**announce, "data": "x" * 2_500})) == "done"


# Guests -----------------------------------------------------------------------------------------------------


class Guests:
    """Guests on sockets of their own, who reserve."""

    def __init__(self, house: House, show: str, drop: str, stack: AsyncExitStack) -> None:
        self._house, self._stack = house, stack
        self._reserve = {"type": "reserve", "id": 5, "show": show, "drop": drop, "sku": "SCARF-RED", "qty": 1}
        self._watch = {"type": "watch", "id": 4, "show": show}

    async def come(self, address: str) -> Raw:
        raw = await self._stack.enter_async_context(live(self._house.port, hello={}, x_forwarded_for=address))
        assert (await raw.ask(self._watch))["type"] == "watching"
        return raw

    async def buy(self, raw: Raw, key: str = "key") -> dict[str, Any]:
        return await raw.ask({**self._reserve, "key": key})


async def test_guests_of_one_address_have_so_many_places_in_a_show(one_worker: House) -> None:
    show = await one_worker.live_show()
    drop = await one_worker.drop(show, {"SCARF-RED": 40})
    async with AsyncExitStack() as stack:
        guests = Guests(one_worker, show, drop, stack)
        sockets = [await guests.come("203.0.113.7") for _ in range(PLACES + 2)]
        got = await asyncio.gather(*map(guests.buy, sockets))
        assert sorted(map(told, got)) == ["held"] * PLACES + ["rate_limited"] * 2
        assert all(reply["temporary"] for reply in got if told(reply) == "rate_limited")
        held = [(raw, reply) for raw, reply in zip(sockets, got, strict=True) if told(reply) == "held"]
        waiting = next(raw for raw, reply in zip(sockets, got, strict=True) if told(reply) != "held")
        # Whoever holds something may hold more; another address, and a viewer with a token, have their own.
        assert told(await guests.buy(held[0][0], "another key")) == "held"
        assert told(await guests.buy(await guests.come("203.0.113.8"))) == "held"
        async with live(
            one_worker.port, hello={"token": one_worker.token("tom")}, x_forwarded_for="203.0.113.7"
        ) as viewer:
            assert told(await guests.buy(viewer)) == "held"
        # A sale makes room.
        raw, reply = held[1]
        pay = {"type": "checkout", "id": 9, "show": show, "hold": reply["hold"], "payment": "tok_approve"}
        assert told(await raw.ask(pay)) == "sold"

        async def gets_in() -> bool:
            return told(await guests.buy(waiting)) == "held"

        await wait_until(gets_in, timeout_s=20.0)


async def test_guests_of_one_ipv6_network_are_at_one_address(one_worker: House) -> None:
    show = await one_worker.live_show()
    drop = await one_worker.drop(show, {"SCARF-RED": 40})
    async with AsyncExitStack() as stack:
        guests = Guests(one_worker, show, drop, stack)
        got = [
            told(await guests.buy(await guests.come(f"2001:db8:1:2:{number:x}::1")))
            for number in range(PLACES + 1)
        ]
        assert got == ["held"] * PLACES + ["rate_limited"]
        assert told(await guests.buy(await guests.come("2001:db8:1:3::1"))) == "held"


async def test_1_000_units_are_not_one_addresses_for_the_taking(one_worker: House) -> None:
    show = await one_worker.live_show()
    drop = await one_worker.drop(show, {"SCARF-RED": 1_000})
    async with AsyncExitStack() as stack:
        guests = Guests(one_worker, show, drop, stack)
        sockets = [await guests.come("198.51.100.9") for _ in range(60)]
        got = await asyncio.gather(*map(guests.buy, sockets))
        assert Counter(map(told, got)) == {"held": PLACES, "rate_limited": 60 - PLACES}
