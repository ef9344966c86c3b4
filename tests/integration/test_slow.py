"""Slow viewers: caught up when they read again, dropped when they do not, and nobody else misses anything."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.house import House
from tests.support.processes import memory_bytes, workers_of
from tests.support.raw import PONG, Raw, frame, live, say
from tests.support.server import SECRET, Server
from tests.support.wait import wait_until

STALL_MS = 1_200
_TEXT = "x" * 1_900


def started(tmp_path_factory: pytest.TempPathFactory, **flags: Any) -> Iterator[tuple[House, Server]]:
    server = Server(
        tmp_path_factory.mktemp("slow"),
        workers=1,
        host_commands_per_s=10_000,
        viewer_commands_per_s=10_000,
        host_commands_per_show_per_min=10_000,
        log_bytes_per_show_per_min=100_000_000,
        host_commands_waiting_max=10_000,
        send_buffer_bytes=16_384,
        **flags,
    )
    try:
        house = House(server.settings, server.port, SECRET)
        asyncio.run(house.import_catalogue())
        yield house, server
    finally:
        assert server.stop() == 0, "".join(server.lines)
    assert "Traceback" not in "".join(server.lines)


@pytest.fixture(scope="module", params=[1_024, 4], ids=["ring", "log"])
def patient(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[House, Server]]:
    """A server with all the time that a slow viewer needs; its ring of events is long, or short."""
    yield from started(tmp_path_factory, ring_events=request.param)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Server]]:
    """A server whose heartbeat is short."""
    yield from started(tmp_path_factory, stall_ms=STALL_MS, outbox_bytes_max=65_536)


@asynccontextmanager
async def host(house: House, show: str) -> AsyncIterator[Raw]:
    async with live(house.port, hello={"token": house.token("cleo", "creator")}) as raw:
        yield raw


async def announce(raw: Raw, show: str, first: int, count: int, text: str = _TEXT) -> int:
    """Say `count` things at once; return the seq of the last."""
    for number in range(first, first + count):
        command = {"type": "announce", "id": number, "show": show, "key": f"k{number}", "text": text}
        raw.writer.write(say(command))
    last = 0
    for _ in range(count):
        reply = await raw.message()
        assert reply["type"] == "done", reply
        last = max(last, reply["seq"])
    return last


async def events_to(raw: Raw, seq: int) -> list[dict[str, Any]]:
    """Read to the event `seq`; return all that came."""
    found: list[dict[str, Any]] = []
    while not found or found[-1].get("seq") != seq or "at_ms" not in found[-1]:
        found.append(await raw.message())
    return found


def seqs(messages: list[dict[str, Any]]) -> list[int]:
    return [message["seq"] for message in messages if "at_ms" in message]


async def test_a_viewer_who_reads_again_in_time_has_missed_nothing(patient: tuple[House, Server]) -> None:
    house, _ = patient
    show = await house.live_show()
    drop = await house.drop(show, {"SCARF-RED": 40}, limit=40)
    async with (
        live(house.port, hello={"token": house.token("ana")}) as slow,
        live(house.port, hello={"token": house.token("ben")}) as buyer,
        host(house, show) as creator,
    ):
        watching = await slow.ask({"type": "watch", "id": 2, "show": show})
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await announce(creator, show, 10, 400)
        for number in range(20):
            reserve = {"type": "reserve", "id": 5, "show": show, "drop": drop, "sku": "SCARF-RED", "qty": 1}
            assert (await buyer.ask({**reserve, "key": f"k{number}"}))["type"] == "held"
        last = await announce(creator, show, 500, 400)
        # What is for the slow viewer alone waits for it, whatever else is skipped.
        await slow.send(say({"type": "ping", "id": 99}))
        slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
        found = await events_to(slow, last)
        assert seqs(found) == list(range(watching["seq"] + 1, last + 1))
        assert any(message.get("re") == 99 for message in found)
        # Figures of before may stand among what it was told while it still took bytes: the newest count.
        while (await until(slow, found, "stock"))["units"][drop] != {"SCARF-RED": 20}:
            found.append(await slow.message())
        # It takes part in the fan-out again.
        after = await announce(creator, show, 1_000, 3)
        assert seqs(await events_to(slow, after)) == [last + 1, last + 2, last + 3]


async def until(raw: Raw, found: list[dict[str, Any]], kind: str) -> Mapping[str, Any]:
    """Return the newest message of a kind, among what was read or what comes."""
    while not any(message["type"] == kind for message in found):
        found.append(await raw.message())
    return [message for message in found if message["type"] == kind][-1]


async def test_a_viewer_who_reads_no_more_is_dropped_though_the_kernel_hides_it(
    strict: tuple[House, Server],
) -> None:
    house, _ = strict
    show = await house.live_show()
    async with (
        live(house.port, hello={}) as stalled,
        house.client("ben") as ben,
        host(house, show) as creator,
    ):
        await stalled.ask({"type": "watch", "id": 2, "show": show})
        subscription = ben.subscribe(show)
        await subscription.ready()
        events = aiter(subscription)
        began_s = time.monotonic()
        stalled.writer.transport.pause_reading()  # type: ignore[attr-defined]
        sent = 0
        while await viewers(house, show) > 1:
            sent += 1
            await announce(creator, show, sent, 1, "x" * 60)
            await asyncio.sleep(0.05)
            assert time.monotonic() - began_s < 2 * STALL_MS / 1000, "two heartbeats"
        assert sent * 200 < 100_000, "so little that no buffer was full"
        for _ in range(sent):
            async with asyncio.timeout(5):
                await anext(events)


async def viewers(house: House, show: str) -> int:
    async with house.http() as http:
        count: int = (await http.get(f"/v1/shows/{show}/snapshot")).json()["state"]["viewers"]
        return count


async def test_more_than_the_outbox_takes_is_the_end_and_its_memory_returns(
    strict: tuple[House, Server],
) -> None:
    house, server = strict
    (pid,) = workers_of(server.process.pid)
    show = await house.live_show()
    async with live(house.port, hello={}) as other:
        await other.ask({"type": "watch", "id": 2, "show": show})
        before = memory_bytes(pid)
        for _ in range(20):
            async with live(house.port, hello={"token": house.token("ana")}) as greedy:
                greedy.writer.transport.pause_reading()  # type: ignore[attr-defined]
                # Each answer is the whole state; nobody reads any.
                await greedy.send(say({"type": "watch", "id": 2, "show": show}) * 3_000)
                await ended(greedy)
        assert memory_bytes(pid) - before < 4_000_000
        await other.send(frame(PONG))
        assert (await other.ask({"type": "ping", "id": 3}))["type"] == "pong"


async def ended(raw: Raw) -> None:
    """Wait until the server has cut the connection, without reading what it had sent."""

    async def is_cut() -> bool:
        try:
            raw.writer.write(frame(PONG))
            await raw.writer.drain()
        except ConnectionError:
            return True
        return raw.writer.transport.is_closing()

    await wait_until(is_cut)


async def test_whoever_answers_pings_stays_though_it_says_nothing(strict: tuple[House, Server]) -> None:
    house, _ = strict
    async with house.client("ben") as ben:
        show = await house.live_show()
        await ben.subscribe(show).ready()
        changes: list[Any] = []
        ben.on_state(changes.append)
        # There is nothing to wait for: that nothing happens is what is shown.
        await asyncio.sleep(2.5 * STALL_MS / 1000)
        assert changes == []


async def test_whoever_answers_no_ping_is_told_so(strict: tuple[House, Server]) -> None:
    house, _ = strict
    async with live(house.port, hello={}) as silent:
        code, messages = await silent.closed()
        assert code == 4001
        assert messages == []
