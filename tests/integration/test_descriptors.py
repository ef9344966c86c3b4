"""A worker that runs out of file descriptors says so, counts it, answers those it has, and recovers."""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

from tests.support.house import House
from tests.support.raw import connection, live, serves
from tests.support.scraped import counted, free_port
from tests.support.server import SECRET, Server
from tests.support.wait import wait_until

CLIENTS = 200


async def test_viewers_beyond_the_descriptors_are_refused_in_order_until_others_leave(
    tmp_path: Path,
) -> None:
    metrics = free_port()
    server = await asyncio.to_thread(
        Server, tmp_path, workers=1, metrics_port=metrics, descriptors=(128, 128), http_connections_max=300
    )
    try:
        house = House(server.settings, server.port, SECRET)
        clients = []
        async with live(server.port, hello={}) as first:
            for _ in range(CLIENTS):
                client = socket.socket()
                client.setblocking(False)
                await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", server.port))
                clients.append(client)
            # They say nothing: the oldest make room for the newest, and for whoever has something to say.
            await serves(server.port)
            assert (await first.ask({"type": "ping", "id": 2}))["type"] == "pong"
            for client in clients:
                client.close()
        sockets = []
        try:
            while not any("accepting failed" in line for line in server.lines):
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                sockets.append(writer)
                assert len(sockets) < CLIENTS
                writer.write(
                    b"GET /v1/live HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
                    b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                )
                head = await reader.readuntil(b"\r\n\r\n")
                if b" 503 " in head:
                    break
            await wait_until(lambda: any("accepting failed" in line for line in server.lines))
            assert await counted(metrics, "dropcast_accept_failures_total", 1) >= 1
        finally:
            for writer in sockets:
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()
        # Those who left made room, also for what the worker itself needs.
        await wait_until(lambda: answers(server.port))
        await house.import_catalogue()
        show = await house.live_show()
        async with live(server.port, hello={}) as raw:
            assert (await raw.ask({"type": "watch", "id": 2, "show": show}))["type"] == "watching"
    finally:
        assert await asyncio.to_thread(server.stop) == 0
    (line,) = [line for line in server.lines if "accepting failed" in line]
    assert " ERROR " in line
    assert "ulimit -n" in line


async def answers(port: int) -> bool:
    async with connection(port) as raw:
        await raw.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        return (await raw.head())[0] == 200
