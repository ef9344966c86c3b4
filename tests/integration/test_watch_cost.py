"""What anybody may ask without a token costs engine and worker a bounded share: small attacks on a real server."""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from dropcast.store.connection import ask, connect
from tests.support.engine import Stall
from tests.support.house import House
from tests.support.monitor import asked
from tests.support.processes import memory_bytes, workers_of
from tests.support.raw import Raw, live, say
from tests.support.server import SECRET, Server
from tests.support.wait import wait_until

TOPS = "HMGET ... offset"
"""The question how far a show is; the sweeper asks for fewer fields."""
BUSY = ("dropcast_read", "XRANGE", "HGET", TOPS)


class Attacked:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.house = House(server.settings, server.port, SECRET)
        self.port = server.port

    @property
    def engine_socket(self) -> Path:
        (path,) = self.server.data_dir.glob("**/*.sock")
        return path

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[Stall]:
        """The engine, past the server."""
        client = connect(f"unix://{self.engine_socket}")
        try:
            yield Stall(client)
        finally:
            await client.aclose()

    async def long_show(self, events: int, text: str = "word") -> tuple[str, str, int]:
        """A show whose log has been written past the server; return its id, epoch and top."""
        show = await self.house.live_show()
        async with self.engine() as stall:
            saying = (stall.shows.announce(show, text, None, f"key {n}") for n in range(events))
            top = max(done.seq for done in await asyncio.gather(*saying))
            return show, (await stall.shows.meta(show)).epoch, top


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    server = Server(tmp_path_factory.mktemp("cost"), workers=1, ring_events=16, anonymous_commands_per_s=40)
    try:
        found = Attacked(server)
        asyncio.run(found.house.import_catalogue())
        yield found
    finally:
        status = server.stop()
    log = "".join(server.lines)
    assert status == 0, log
    assert "Traceback" not in log, log


async def replies(raw: Raw, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < count:
        message = await raw.message()
        if "re" in message:
            found.append(message)
    return found


def watch(number: int, show: str, since: dict[str, Any] | None = None) -> bytes:
    command: dict[str, Any] = {"type": "watch", "id": number, "show": show}
    return say(command if since is None else {**command, "since": since})


async def test_watches_from_ahead_of_the_engine_read_nothing(attacked: Attacked) -> None:
    show, epoch, top = await attacked.long_show(3)
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(live(attacked.port, hello={})) for _ in range(5)]
        for raw in sockets:
            assert (await raw.ask({"type": "watch", "id": 2, "show": show}))["seq"] == top
        async with asked(attacked.engine_socket, show) as names:
            for round_ in range(9):
                for raw in sockets:
                    await raw.send(watch(10 + round_, show, {"epoch": epoch, "seq": top + 1 + round_}))
                for raw in sockets:
                    (reply,) = await replies(raw, 1)
                    assert (reply["recovered"], reply["seq"]) == (False, top)
            assert names["dropcast_read"] == 0
            assert names[TOPS] <= 20


async def test_watches_from_far_back_read_a_bounded_part_of_the_log_and_end_with_their_sockets(
    attacked: Attacked,
) -> None:
    show, epoch, _ = await attacked.long_show(2_000, "word " * 10)
    (pid,) = workers_of(attacked.server.process.pid)
    async with asked(attacked.engine_socket, show) as names:
        async with AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(live(attacked.port, hello={})) for _ in range(10)]
            for raw in sockets:
                await raw.ask({"type": "watch", "id": 2, "show": show})
            before = memory_bytes(pid)
            for n, raw in enumerate(sockets):
                sinces = ({"epoch": epoch, "seq": n + 10 * number} for number in range(35))
                await raw.send(b"".join(watch(10 + k, show, since) for k, since in enumerate(sinces)))
            told: Counter[str] = Counter()
            for raw in sockets:
                for reply in await replies(raw, 35):
                    told[reply.get("code", reply["type"])] += 1
            assert set(told) <= {"watching", "rate_limited"}
            assert told["watching"] >= 20
            assert memory_bytes(pid) - before < 60_000_000
            # Pages of 64 events are read once and shared; two thousand events are 32 of them.
            assert names["XRANGE"] <= 40
            for raw in sockets:
                await raw.send(watch(99, show, {"epoch": epoch, "seq": 1}))
        await no_more_is_asked(names)


async def no_more_is_asked(names: Counter[str]) -> None:
    """Wait until the engine has been asked nothing that costs for a while, within a second of now."""

    def asked_so_far() -> int:
        return sum(names[name] for name in BUSY)

    await asyncio.sleep(0.5)
    before = asked_so_far()
    await asyncio.sleep(0.5)  # that nothing happens is what is shown
    assert asked_so_far() == before


async def test_a_viewer_who_comes_back_within_bounds_still_gets_exactly_what_was_missed(
    attacked: Attacked,
) -> None:
    show, epoch, top = await attacked.long_show(300)
    async with live(attacked.port, hello={}) as raw:
        for since in (top, top - 1, top - 100, top - 250):
            reply = await raw.ask(
                {"type": "watch", "id": 5, "show": show, "since": {"epoch": epoch, "seq": since}}
            )
            assert reply["recovered"]
            assert [event["seq"] for event in reply.get("events", [])] == list(range(since + 1, top + 1))


async def test_http_reads_of_a_show_that_nobody_watches_are_few_and_write_nothing(attacked: Attacked) -> None:
    show, _, top = await attacked.long_show(3)
    paths = [f"/v1/shows/{show}/snapshot", f"/v1/shows/{show}/drops?limit=1", f"/v1/shows/{show}"]
    loop = asyncio.get_running_loop()
    async with attacked.house.http() as http, asked(attacked.engine_socket, show) as names:
        http.timeout = httpx.Timeout(60)
        began_s = loop.time()
        for _ in range(3):
            answers = await asyncio.gather(*(http.get(path) for path in paths for _ in range(10)))
            assert {answer.status_code for answer in answers} == {200}
            for answer in answers:
                body = answer.json()
                assert (body["seq"], bool(body["epoch"]), body["offset"]) == (top, True, 0)
        # Four a second at most, as long as an answer is shared.
        most = (loop.time() - began_s) / 0.25 + 2
        assert names["dropcast_read"] <= most
        assert names[TOPS] <= most
        assert names["dropcast_beat"] == 0
    async with attacked.house.http() as http, asked(attacked.engine_socket, "{nobody}") as names:
        http.timeout = httpx.Timeout(60)
        began_s = loop.time()
        nothing = await asyncio.gather(*(http.get("/v1/shows/nobody/snapshot") for _ in range(30)))
        assert {answer.status_code for answer in nothing} == {404}
        assert names["dropcast_read"] <= (loop.time() - began_s) / 0.25 + 2


async def test_http_reads_of_a_followed_show_ask_the_engine_nothing(attacked: Attacked) -> None:
    show, _, top = await attacked.long_show(3)
    async with live(attacked.port, hello={}) as raw, attacked.house.http() as http:
        state = (await raw.ask({"type": "watch", "id": 2, "show": show}))["state"]
        async with asked(attacked.engine_socket, show) as names:
            for _ in range(20):
                answer = (await http.get(f"/v1/shows/{show}/snapshot")).json()
                assert (await http.get(f"/v1/shows/{show}/drops")).json()["seq"] == top
                assert (await http.get(f"/v1/shows/{show}")).json()["seq"] == top
            assert (names["dropcast_read"], names["XRANGE"]) == (0, 0)
            assert {**answer["state"], "viewers": 0} == {**state, "viewers": 0}
            assert (answer["seq"], answer["offset"]) == (top, state["offset"])


async def test_what_was_written_is_read_by_its_seq_and_at_the_same_worker_without(attacked: Attacked) -> None:
    show, _, _ = await attacked.long_show(1)
    async with attacked.house.http("cleo", "creator") as http, attacked.engine() as stall:
        for number in range(10):
            done = await stall.shows.announce(show, "elsewhere", None, f"elsewhere {number}")
            answer = await http.get(f"/v1/shows/{show}/snapshot?min_seq={done.seq}")
            assert answer.json()["seq"] >= done.seq
            done_here = await http.post(f"/v1/shows/{show}/announcements", json={"text": "here"})
            assert (await http.get(f"/v1/shows/{show}/drops")).json()["seq"] >= done_here.json()["seq"]
        later = await http.get(f"/v1/shows/{show}?min_seq={10**9}")
        assert (later.status_code, later.json()["seq"]) == (200, done_here.json()["seq"])


@pytest.mark.parametrize("text", ["-1", "x", "1.5", "", str(2**53), "9" * 400, "٣"])
@pytest.mark.parametrize("path", ["", "/snapshot", "/drops"])
async def test_a_min_seq_that_is_no_number_is_a_bad_request(attacked: Attacked, path: str, text: str) -> None:
    async with attacked.house.http() as http:
        answer = await http.get(f"/v1/shows/friday{path}", params={"min_seq": text})
        assert answer.status_code == 422
        assert "min_seq" in answer.json()["error"]["message"]


async def test_a_request_whose_client_is_gone_asks_no_more(attacked: Attacked) -> None:
    show, _, _ = await attacked.long_show(1)
    async with asked(attacked.engine_socket, show) as names:
        reader, writer = await asyncio.open_connection("127.0.0.1", attacked.port)
        writer.write(f"GET /v1/shows/{show}?min_seq=99999 HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        await wait_until(lambda: names[TOPS] >= 2)
        # A reset: the end of the client's half alone is no sign that it is gone.
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        writer.transport.abort()
        await asyncio.sleep(0.3)
        before = names[TOPS]
        await asyncio.sleep(0.5)  # that nothing happens is what is shown
        assert names[TOPS] == before
        assert reader.at_eof() or reader.exception() is not None


# One socket -------------------------------------------------------------------------------------------------


async def test_a_second_watch_waits_a_third_is_refused_and_leaving_gives_both_up(attacked: Attacked) -> None:
    show, other = await attacked.house.live_show(), await attacked.house.live_show()
    async with live(attacked.port, hello={}) as raw, attacked.engine() as stall:
        await ask(stall.client, "CLIENT", "PAUSE", 700, "ALL")
        await raw.send(watch(2, show) + watch(3, show) + watch(4, show) + watch(5, other) + watch(6, other))
        await raw.send(say({"type": "leave", "id": 7, "show": other}))
        first = await replies(raw, 4)
        assert [(reply["re"], reply.get("code", reply["type"])) for reply in first] == [
            (4, "rate_limited"),
            (5, "conflict"),
            (6, "conflict"),
            (7, "left"),
        ]
        assert first[0]["temporary"]
        both = await replies(raw, 2)
        assert [(reply["re"], reply["type"]) for reply in both] == [(2, "watching"), (3, "watching")]
        assert (await raw.ask({"type": "watch", "id": 8, "show": other}))["type"] == "watching"
    async with attacked.house.http() as http:
        await wait_until(lambda: nobody_watches(http, show, other))


async def nobody_watches(http: Any, *shows: str) -> bool:
    found = [(await http.get(f"/v1/shows/{show}/snapshot")).json()["state"]["viewers"] for show in shows]
    return not any(found)


async def test_sockets_that_go_while_their_watches_are_under_way_leave_nothing_behind(
    attacked: Attacked,
) -> None:
    shows = [await attacked.house.live_show() for _ in range(3)]
    async with asked(attacked.engine_socket) as names, attacked.engine() as stall:
        await ask(stall.client, "CLIENT", "PAUSE", 400, "ALL")
        for _ in range(10):
            async with live(attacked.port, hello={}) as raw:
                await raw.send(b"".join(watch(n, show) for n, show in enumerate(shows, 2)))
        await no_more_is_asked(names)
    async with attacked.house.http() as http:
        await wait_until(lambda: nobody_watches(http, *shows))


async def test_a_socket_that_watches_the_same_show_again_and_again_is_slowed_down(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    server = await asyncio.to_thread(
        Server,
        tmp_path_factory.mktemp("again"),
        workers=1,
        watch_bytes_per_s=200,
        anonymous_commands_per_s=50,
    )
    try:
        house = House(server.settings, server.port, SECRET)
        show = await house.live_show()
        async with live(server.port, hello={}) as raw:
            await raw.send(b"".join(watch(n, show) for n in range(2, 40)))
            told = Counter(reply.get("code", reply["type"]) for reply in await replies(raw, 38))
            assert told["rate_limited"] > 20
            assert told["watching"] >= 2

            async def is_watched() -> bool:
                await asyncio.sleep(0.2)
                return bool((await raw.ask({"type": "watch", "id": 99, "show": show}))["type"] == "watching")

            await wait_until(is_watched)
            # It has watched all the while.
            async with house.http("cleo", "creator") as http:
                await http.post(f"/v1/shows/{show}/announcements", json={"text": "Hi"})
            while (await raw.message()).get("text") != "Hi":
                pass
    finally:
        assert await asyncio.to_thread(server.stop) == 0
