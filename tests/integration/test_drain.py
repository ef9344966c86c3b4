"""A worker that stops answers what it accepted, sends its viewers away, and cuts off nobody who had connected."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.house import House
from tests.support.processes import children_of, workers_of
from tests.support.raw import Raw, connection, live, say
from tests.support.server import SECRET, Server
from tests.support.wait import wait_until

VIEWERS = 300
DRAIN = {"drain_ms": 1_000, "come_back_ms": 500}


@asynccontextmanager
async def serving(data_dir: Path, **flags: Any) -> AsyncIterator[tuple[House, Server]]:
    server = await asyncio.to_thread(Server, data_dir, **flags)
    try:
        house = House(server.settings, server.port, SECRET)
        await house.import_catalogue()
        yield house, server
    finally:
        status = await asyncio.to_thread(server.stop)
    log = "".join(server.lines)
    assert status == 0, log
    assert "Traceback" not in log, log


async def test_everyone_is_sent_away_in_batches_and_every_accepted_command_is_answered(
    tmp_path: Path,
) -> None:
    async with (
        serving(tmp_path, workers=1, holds_per_viewer_max=VIEWERS, **DRAIN) as (house, server),
        AsyncExitStack() as stack,
    ):
        show = await house.live_show()
        drop = await house.drop(show, {"SCARF-RED": 1_000}, limit=1_000)
        token = house.token("ana")
        sockets = [
            await stack.enter_async_context(live(house.port, hello={"token": token})) for _ in range(VIEWERS)
        ]
        ends = [asyncio.create_task(to_the_end(raw)) for raw in sockets]
        for number, raw in enumerate(sockets):
            reserve = {"show": show, "drop": drop, "sku": "SCARF-RED", "qty": 1, "key": f"k{number}"}
            await raw.send(say({"type": "reserve", "id": 2, **reserve}))
        began_s = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        told = await asyncio.gather(*ends)
        assert await asyncio.to_thread(server.process.wait) == 0
        assert time.monotonic() - began_s < house.settings.stop_deadline_ms / 1000
    assert {code for code, _, _ in told} == {4000}
    for _, messages, _ in told:
        (away,) = [message for message in messages if message["type"] == "going_away"]
        assert 0 <= away["after_ms"] <= 500
        # What was received before it is answered; nothing is asked for here after it.
        assert [message["type"] for message in messages if message.get("re") == 2] == ["held"]
    ended_at_s = [at_s for _, _, at_s in told]
    assert max(ended_at_s) - min(ended_at_s) > 0.3, "in batches, not all at once"
    assert (
        len({message["after_ms"] for _, messages, _ in told for message in messages if "after_ms" in message})
        > 50
    )


async def to_the_end(raw: Raw) -> tuple[int, list[dict[str, Any]], float]:
    code, messages = await raw.closed()
    raw.writer.close()
    return code, messages, time.monotonic()


async def test_a_payment_under_way_is_answered_before_its_socket_is_closed(tmp_path: Path) -> None:
    async with serving(tmp_path, workers=1, sandbox_slow_ms=1_500) as (house, server):
        show = await house.live_show()
        drop = await house.drop(show, {"MUG": 1}, product="mug")
        async with live(house.port, hello={"token": house.token("ana")}) as raw:
            reserve = {
                "type": "reserve",
                "id": 2,
                "show": show,
                "drop": drop,
                "sku": "MUG",
                "qty": 1,
                "key": "k",
            }
            hold = (await raw.ask(reserve))["hold"]
            await raw.send(
                say({"type": "checkout", "id": 3, "show": show, "hold": hold, "payment": "tok_slow"})
                + say({"type": "ping", "id": 4})
            )
            assert (await raw.message())["re"] == 4
            server.process.send_signal(signal.SIGTERM)
            code, messages = await raw.closed()
            assert [message["type"] for message in messages] == ["going_away", "sold"]
            assert code == 4000


class Callers:
    """Ask for /healthz over new connections, again and again."""

    def __init__(self, port: int) -> None:
        self.answered = 0
        self.refused = 0
        self.cut_off: list[str] = []
        self._port = port
        self._is_over = False
        self._tasks = [asyncio.create_task(self._call()) for _ in range(8)]

    async def _call(self) -> None:
        while not self._is_over:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except ConnectionError:
                self.refused += 1
                await asyncio.sleep(0.01)
                continue
            try:
                writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                answer = await reader.read()
                if answer.startswith(b"HTTP/1.1 200"):
                    self.answered += 1
                else:
                    self.cut_off.append(repr(answer))
            except ConnectionError as error:
                self.cut_off.append(repr(error))
            finally:
                writer.close()

    async def stop(self) -> None:
        """Let each call come to its end: one that is cancelled while it connects would leave its socket open."""
        self._is_over = True
        await asyncio.gather(*self._tasks)


async def test_whoever_had_connected_to_a_stopping_server_is_answered(tmp_path: Path) -> None:
    async with serving(tmp_path, workers=2) as (house, server):
        callers = Callers(house.port)
        try:
            await wait_until(lambda: callers.answered > 100)
            server.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(server.process.wait)
            await wait_until(lambda: callers.refused > 10)
        finally:
            await callers.stop()
        assert callers.cut_off == []


async def test_a_worker_that_is_told_to_stop_is_replaced_while_the_other_serves(tmp_path: Path) -> None:
    async with serving(tmp_path, workers=2) as (house, server):
        callers = Callers(house.port)
        show = await house.live_show()
        try:
            first, second = workers_of(server.process.pid)
            async with house.client("ana") as ana, house.client("ben") as ben:
                subscriptions = [client.subscribe(show) for client in (ana, ben)]
                for subscription in subscriptions:
                    await subscription.ready()
                os.kill(first, signal.SIGTERM)
                await wait_until(lambda: first not in workers_of(server.process.pid))
                await wait_until(lambda: len(workers_of(server.process.pid)) == 2)
                os.kill(second, signal.SIGTERM)
                await wait_until(lambda: second not in workers_of(server.process.pid))
                await wait_until(lambda: len(workers_of(server.process.pid)) == 2)
                await wait_until(lambda: listening(house.port) == 2)
                answered = callers.answered
                await wait_until(lambda: callers.answered > answered + 200)
                for client in (ana, ben):
                    assert await client.ping() is not None
        finally:
            await callers.stop()
        assert callers.cut_off == []


def listening(port: int) -> int:
    """Return how many sockets listen on a port of 127.0.0.1."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[1] == f"0100007F:{port:04X}" and line.split()[3] == "0A" for line in lines)


async def test_a_stopping_worker_takes_no_new_socket_and_says_so(tmp_path: Path) -> None:
    async with serving(tmp_path, workers=1, sandbox_slow_ms=1_500) as (house, server):
        show = await house.live_show()
        drop = await house.drop(show, {"MUG": 1}, product="mug")
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        late = Raw(reader, writer)
        async with live(house.port, hello={"token": house.token("ana")}) as raw:
            reserve = {
                "type": "reserve",
                "id": 2,
                "show": show,
                "drop": drop,
                "sku": "MUG",
                "qty": 1,
                "key": "k",
            }
            hold = (await raw.ask(reserve))["hold"]
            await raw.send(
                say({"type": "checkout", "id": 3, "show": show, "hold": hold, "payment": "tok_slow"})
            )
            server.process.send_signal(signal.SIGTERM)
            assert (await raw.message())["type"] == "going_away"
            await late.send(
                b"GET /v1/live HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n"
            )
            status, head = await late.head()
            assert status == 503
            assert b"retry-after: 1\r\n" in head
        writer.close()
        await writer.wait_closed()


async def test_connections_at_rest_end_at_once_and_answers_under_way_say_that_they_are_the_last(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, workers=1) as (house, server):
        (worker,) = workers_of(server.process.pid)
        (engine,) = children_of(server.process.pid) - {worker}
        async with connection(house.port) as resting, connection(house.port) as busy:
            for raw in (resting, busy):
                await raw.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
                status, head = await raw.head()
                assert status == 200
                assert b"connection: close" not in head
                await raw.reader.readuntil(b"}")
            os.kill(engine, signal.SIGSTOP)
            try:
                await busy.send(b"GET /v1/products/mug HTTP/1.1\r\nhost: x\r\n\r\n")
                await busy_is_read(house)
                began_s = time.monotonic()
                server.process.send_signal(signal.SIGTERM)
                assert await resting.ended() == b""
                assert time.monotonic() - began_s < 2
            finally:
                os.kill(engine, signal.SIGCONT)
            status, head = await busy.head()
            assert status == 200
            assert b"connection: close" in head
            assert b"Big mug" in await busy.ended()


async def busy_is_read(house: House) -> None:
    """What was sent before this is answered was read by the worker."""
    async with house.http() as http:
        assert (await http.get("/healthz")).status_code == 200
