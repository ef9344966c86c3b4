"""A large import: the sockets hardly notice, it is all there or not at all, and one runs at a time."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.house import House
from tests.support.processes import children_of, memory_bytes, workers_of
from tests.support.raw import connection, live
from tests.support.server import SECRET, Server
from tests.support.wait import wait_until

PRODUCTS = 30_000
HEADER = b"Handle,Title,Variant SKU,Variant Price\n"


def export(count: int, title: str = "Scarf") -> bytes:
    return HEADER + "".join(f"p{number:06},{title},P{number},1.00\n" for number in range(count)).encode()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Server]]:
    server = Server(tmp_path_factory.mktemp("import"), workers=1, import_memory_bytes_max=2**28)
    try:
        yield House(server.settings, server.port, SECRET), server
    finally:
        status = server.stop()
    log = "".join(server.lines)
    assert status == 0, log
    assert "Traceback" not in log, log


async def upload(house: House, raw: bytes) -> httpx.Response:
    async with house.http("olga", "operator") as http:
        return await http.post("/v1/products?currency=EUR", content=raw, timeout=50)


async def title(house: House, handle: str) -> str:
    async with house.http() as http:
        found = await http.get(f"/v1/products/{handle}")
        return str(found.json()["title"]) if found.status_code == 200 else ""


async def test_sockets_are_answered_while_a_large_file_is_imported(served: tuple[House, Server]) -> None:
    house, server = served
    (worker,) = workers_of(server.process.pid)
    memory = memory_bytes(worker)
    gaps_s: list[float] = []
    seen: set[tuple[bool, bool]] = set()
    async with live(house.port, hello={"token": house.token("ana", "creator")}) as raw:
        importing = asyncio.create_task(upload(house, export(PRODUCTS, "Large")))
        number = 10
        while not importing.done():
            began_s = time.monotonic()
            assert (await raw.ask({"type": "ping", "id": number}))["type"] == "pong"
            gaps_s.append(time.monotonic() - began_s)
            number += 1
            if number % 10 == 0:
                first, last = [await title(house, f"p{number:06}") for number in (0, PRODUCTS - 1)]
                seen.add((first == "Large", last == "Large"))
            await asyncio.sleep(0.02)
        answer = await importing
    assert answer.status_code == 200, answer.text
    assert answer.json()["products"] == PRODUCTS
    gaps_s.sort()
    assert len(gaps_s) > 20
    # A worker that parses by itself, in a thread or not, answers late all the time.
    assert gaps_s[len(gaps_s) * 9 // 10] < 0.1
    assert memory_bytes(worker) - memory < 30_000_000
    assert (True, False) not in seen, "the first was never there without the last"


async def test_an_import_replaces_and_adds_and_keeps_the_rest(served: tuple[House, Server]) -> None:
    house, _ = served
    await upload(house, export(2_000, "Old"))
    await upload(house, export(1_000, "New"))
    assert [await title(house, f"p{number:06}") for number in (0, 999, 1_000)] == ["New", "New", "Old"]


async def test_a_file_with_a_mistake_changes_nothing(served: tuple[House, Server]) -> None:
    house, _ = served
    await upload(house, export(10, "Kept"))
    answer = await upload(house, export(2_000, "Wrong") + b"late,,SKU,1.00\n")
    assert answer.status_code == 422
    assert "line 2002, Title: product late has no title" in answer.json()["error"]["message"]
    assert await title(house, "p000000") == "Kept"


async def test_a_thousand_warnings_are_enough(served: tuple[House, Server]) -> None:
    house, _ = served
    rows = b"".join(b"w%d,Title,1.00\n" % number for number in range(1_500))
    warnings = (await upload(house, b"Handle,Title,Variant Price\n" + rows)).json()["warnings"]
    assert len(warnings) == 1_001
    assert warnings[-1] == "and 501 more"


async def test_a_file_that_needs_too_much_memory_is_refused(served: tuple[House, Server]) -> None:
    house, _ = served
    rows = b"".join(b"m%d,t,1\n" % number for number in range(600_000))
    answer = await upload(house, b"Handle,Title,Variant Price\n" + rows)
    assert answer.status_code == 413, answer.text
    assert "bytes of memory" in answer.json()["error"]["message"]


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "--help"])
async def test_a_currency_that_is_none_starts_nothing(served: tuple[House, Server], currency: str) -> None:
    house, _ = served
    async with house.http("olga", "operator") as http:
        answer = await http.post("/v1/products", params={"currency": currency}, content=export(1))
        assert answer.status_code == 422


async def test_one_import_runs_at_a_time_and_another_may_come_later(served: tuple[House, Server]) -> None:
    house, _ = served
    token = house.token("olga", "operator").encode()
    raw_file = export(1)
    head = b"POST /v1/products?currency=EUR HTTP/1.1\r\nhost: x\r\nauthorization: Bearer " + token
    async with connection(house.port) as first:
        await first.send(head + b"\r\ncontent-length: %d\r\n\r\n" % len(raw_file) + raw_file[:10])

        async def refused() -> httpx.Response | None:
            answer = await upload(house, export(1))
            return answer if answer.status_code == 429 else None

        answer = await wait_until(refused)
        assert answer.json()["error"] == {
            "code": "rate_limited",
            "message": "another import is under way in this worker; try again later",
            "temporary": True,
        }
        await first.send(raw_file[10:])
        assert (await first.head())[0] == 200
    assert (await upload(house, export(1))).status_code == 200


async def test_a_process_that_dies_is_told_and_changes_nothing(served: tuple[House, Server]) -> None:
    house, server = served
    (worker,) = workers_of(server.process.pid)
    await upload(house, export(1, "Before"))
    importing = asyncio.create_task(upload(house, export(20_000, "After")))

    (pid,) = await wait_until(lambda: children_of(worker))
    os.kill(pid, signal.SIGKILL)
    answer = await importing
    assert answer.status_code == 500
    assert await title(house, "p000000") == "Before"
    assert not children_of(worker)
