"""A live socket's ways out, on real connections and both loops: one buffer a turn, and nothing out of order."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from dropcast.edge.socket import LiveSocket
from dropcast.hub.room import Room
from dropcast.settings import Settings
from dropcast.wire.codec import JSON
from dropcast.wire.codes import Close
from dropcast.wire.commands import Command
from dropcast.wire.frames import message_frame
from dropcast.wire.messages import Pong
from tests.support.raw import TEXT, frame
from tests.support.wait import wait_until

PING = frame(TEXT, b'{"type":"ping","id":1}')


class Owner:
    """Answers every command with a pong, and remembers what it was told."""

    def __init__(self) -> None:
        self.drained = 0
        self.ended = 0
        self._acts: list[Callable[[], None]] = []

    def on_command(self, live: LiveSocket, command: Command) -> None:
        live.send(Pong(re=command.id, server_time_ms=1))

    def on_drained(self, live: LiveSocket) -> None:
        self.drained += 1
        live.unchoke()

    def on_ended(self, live: LiveSocket) -> None:
        self.ended += 1

    def on_gone(self, live: LiveSocket) -> None:
        pass

    def at_turns_end(self, act: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(act)


class Pair:
    """A live socket and its client, which does not read by itself."""

    def __init__(self, live: LiveSocket, client: socket.socket, owner: Owner) -> None:
        self.live = live
        self.client = client
        self.owner = owner

    async def read(self, size: int) -> bytes:
        """Read exactly so many bytes."""
        loop = asyncio.get_running_loop()
        data = b""
        while len(data) < size:
            came = await loop.sock_recv(self.client, size - len(data))
            assert came, "the connection has ended"
            data += came
        return data

    def spy(self) -> list[bytes]:
        """Return the list of buffers that the transport is given from now on."""
        written: list[bytes] = []
        write = self.live._write

        def note(buffer: bytes) -> object:
            written.append(buffer)
            return write(buffer)

        self.live._write = note
        self.live._route()
        return written


@asynccontextmanager
async def a_pair() -> AsyncIterator[Pair]:
    loop = asyncio.get_running_loop()
    owner = Owner()
    made: list[LiveSocket] = []

    class Upgraded(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            made.append(LiveSocket(transport, JSON, Settings(), owner))
            transport.set_protocol(made[0])

    server = await loop.create_server(Upgraded, "127.0.0.1", 0)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.setblocking(False)
    await loop.sock_connect(client, server.sockets[0].getsockname())
    await wait_until(lambda: made)
    try:
        yield Pair(made[0], client, owner)
    finally:
        client.close()
        await wait_until(lambda: owner.ended)
        server.close()
        await server.wait_closed()


Test = Callable[[Pair], Awaitable[None]]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def play(request: pytest.FixtureRequest) -> Callable[[Test], None]:
    async def run(test: Test) -> None:
        async with a_pair() as pair:
            await test(pair)

    return lambda test: request.param(run(test))


PONG = message_frame(JSON.encode(Pong(re=1, server_time_ms=1)), True)


def test_replies_of_one_turn_leave_as_one_buffer(play: Callable[[Test], None]) -> None:
    async def test(pair: Pair) -> None:
        written = pair.spy()
        await asyncio.get_running_loop().sock_sendall(pair.client, PING * 3)
        assert await pair.read(3 * len(PONG)) == PONG * 3
        assert written == [PONG * 3]

    play(test)


def test_an_event_does_not_overtake_a_reply(play: Callable[[Test], None]) -> None:
    async def test(pair: Pair) -> None:
        live, event = pair.live, message_frame(b"event", True)
        assert live.descriptor >= 0
        live.send(Pong(re=1, server_time_ms=1))
        assert live.descriptor == -1
        live.write(event)
        assert live.descriptor >= 0
        live.send(Pong(re=1, server_time_ms=1))
        live.deliver(event)
        assert await pair.read(2 * len(PONG + event)) == (PONG + event) * 2

    play(test)


def test_a_close_comes_after_the_reply_before_it(play: Callable[[Test], None]) -> None:
    async def test(pair: Pair) -> None:
        pair.live.send(Pong(re=1, server_time_ms=1))
        pair.live.close(Close.GOING_AWAY)
        assert pair.live.descriptor == -1
        assert await pair.read(len(PONG) + 1) == PONG + b"\x88"

    play(test)


def test_what_the_kernel_does_not_take_chokes_the_socket_at_once_and_comes_whole(
    play: Callable[[Test], None],
) -> None:
    async def test(pair: Pair) -> None:
        live = pair.live
        room = Room(slice_sockets=8)
        room.join(live, "")
        payload = bytes(60_000)
        sent = 0
        while not live.is_choked():
            room.send((payload, payload))
            sent += 1
            await wait_until(lambda: not room.is_writing)
        assert live.descriptor == -1
        assert live.write(b"what is missed") is True
        whole = message_frame(payload, True)
        assert await pair.read(sent * len(whole)) == whole * sent
        await wait_until(lambda: pair.owner.drained)
        assert live.descriptor >= 0

    play(test)


def test_a_peer_that_resets_costs_nobody_else_anything(play: Callable[[Test], None]) -> None:
    async def test(pair: Pair) -> None:
        live = pair.live
        room = Room(slice_sockets=8)
        room.join(live, "")
        pair.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        pair.client.close()
        for _ in range(3):
            room.send((b"event", b"event"))
            await wait_until(lambda: not room.is_writing)
        await wait_until(lambda: pair.owner.ended)
        assert live.descriptor == -1

    play(test)


def test_what_is_encrypted_is_never_written_past_its_transport() -> None:
    class Encrypted:
        def get_extra_info(self, name: str) -> object:
            return {"ssl_object": object()}.get(name)

        def set_write_buffer_limits(self, high: int) -> None:
            pass

        def write(self, buffer: bytes) -> None:
            pass

    async def make() -> None:
        transport: Any = Encrypted()
        live = LiveSocket(transport, JSON, Settings(), Owner())
        assert live.descriptor == -1
        live.connection_lost(None)

    asyncio.run(make())
