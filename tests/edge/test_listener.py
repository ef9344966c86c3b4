"""A listening socket is left so that whoever has connected is accepted, and taken over as if nothing had been."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from dropcast.edge.listener import inherit, retire
from dropcast.settings import Settings


@pytest.fixture
def shared() -> Iterator[socket.socket]:
    """What the supervisor has: its copy stays open all along."""
    with socket.socket() as chooser, socket.socket() as bound:
        for each in (chooser, bound):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        chooser.bind(("127.0.0.1", 0))
        bound.bind(chooser.getsockname())
        bound.listen(64)
        yield bound


async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"hello")
    writer.close()


async def answer(address: tuple[str, int]) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    try:
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_retired_socket_refuses_and_its_successor_listens_on_it_again(shared: socket.socket) -> None:
    address = shared.getsockname()
    for _ in range(3):
        listener = inherit(shared.dup().detach(), Settings())
        server = await asyncio.start_server(greet, sock=listener)
        assert await answer(address) == b"hello"
        await retire([listener], server.close)
        await server.wait_closed()
        with pytest.raises(ConnectionRefusedError):
            await answer(address)


async def test_whoever_connected_before_is_accepted(shared: socket.socket) -> None:
    address = shared.getsockname()
    waiting = [socket.create_connection(address) for _ in range(20)]
    listener = inherit(shared.dup().detach(), Settings())
    server = await asyncio.start_server(greet, sock=listener)
    await retire([listener], server.close)
    await server.wait_closed()
    for client in waiting:
        with client:
            client.settimeout(5)
            assert await asyncio.to_thread(client.recv, 16) == b"hello"


async def test_what_is_accepted_has_the_bounded_buffer(shared: socket.socket) -> None:
    settings = Settings(send_buffer_bytes=20_000, unacked_ms=7_000)
    with (
        inherit(shared.dup().detach(), settings) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) in (20_000, 40_000)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7_000
