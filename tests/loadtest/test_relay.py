"""A relay passes bytes both ways until it is cut, and then both sides lose the connection."""

import asyncio

import pytest

from dropcast_loadtest.relay import Relay


async def test_bytes_pass_both_ways_until_the_line_is_cut() -> None:
    served: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            served.put_nowait(data)
            writer.write(data.upper())
        served.put_nowait(b"gone")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Relay(f"ws://127.0.0.1:{port}/v1/live") as relay:
        assert relay.url.endswith("/v1/live")
        relay_port = int(relay.url.split(":")[2].split("/")[0])
        assert relay_port != port
        reader, writer = await asyncio.open_connection("127.0.0.1", relay_port)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"HELLO"
        assert await served.get() == b"hello"
        relay.cut()
        assert await reader.read() == b""
        assert await served.get() == b"gone"
        writer.close()
        await writer.wait_closed()


async def test_when_nobody_serves_behind_it_the_viewer_is_let_go() -> None:
    async with Relay("ws://127.0.0.1:1") as relay:
        port = int(relay.url.split(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


def test_a_relay_needs_to_know_where_to() -> None:
    with pytest.raises(ValueError, match="host and a port"):
        Relay("ws://somewhere")
