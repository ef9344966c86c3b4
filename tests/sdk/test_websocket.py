"""The websocket on a bare transport: fragments, pings, bad frames, and how a socket ends."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.utils import accept_key

from dropcast_client.codes import Local
from dropcast_client.frames import NotOpened, with_path
from dropcast_client.websocket import WebSocket, open_websocket
from tests.support.wait import wait_until

Handler = Callable[[ServerConnection], Awaitable[None]]


class Ears:
    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.ends: list[tuple[int, str]] = []

    def message(self, socket: WebSocket, payload: bytes) -> None:
        self.messages.append(payload)

    def lost(self, socket: WebSocket, code: int, reason: str) -> None:
        self.ends.append((code, reason))


async def dial(port: int, ears: Ears, text: bool = True) -> WebSocket:
    return await open_websocket(
        f"ws://127.0.0.1:{port}",
        subprotocol="dropcast.v1.json",
        text=text,
        ssl=None,
        message_bytes_max=1_000,
        on_message=ears.message,
        on_lost=ears.lost,
    )


async def talk(handler: Handler, client: Callable[[WebSocket, Ears], Awaitable[None]]) -> Ears:
    """Let a server's handler and a client's socket talk until both have done."""
    ears = Ears()

    async def begin(connection: ServerConnection) -> None:
        assert await connection.recv() == "begin"
        await handler(connection)

    async with serve(begin, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        socket = await dial(port, ears)
        socket.send(b"begin")
        await client(socket, ears)
        socket.abort()
        await socket.gone
    return ears


async def until_lost(socket: WebSocket, ears: Ears) -> None:
    await wait_until(lambda: ears.ends)


@pytest.mark.parametrize(
    ("url", "full"),
    [
        ("ws://h:8000", "ws://h:8000/v1/live"),
        ("wss://h/", "wss://h/v1/live"),
        ("ws://h/behind/a/proxy", "ws://h/behind/a/proxy"),
        ("ws://h?a=1", "ws://h/v1/live?a=1"),
    ],
)
def test_the_path_is_added_where_there_is_none(url: str, full: str) -> None:
    assert with_path(url) == full


async def test_a_message_in_fragments_is_one_message() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send(["he", "", "llo"])
        await connection.send("again")

    ears = await talk(handler, until_lost)
    assert ears.messages == [b"hello", b"again"]
    assert ears.ends == [(1000, "")]


async def test_the_servers_pings_are_answered() -> None:
    async def handler(connection: ServerConnection) -> None:
        await (await connection.ping())
        await connection.send("answered")

    ears = await talk(handler, until_lost)
    assert ears.messages == [b"answered"]


async def test_a_close_code_and_its_reason_are_told_at_once_and_once() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.close(4001, "too slow")

    ears = await talk(handler, until_lost)
    assert ears.ends == [(4001, "too slow")]


async def test_a_socket_that_is_closed_as_soon_as_it_opens_was_not_opened() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.close(4000, "not now")

    ears = Ears()
    async with serve(handler, "127.0.0.1", 0, compression=None) as server:
        with pytest.raises(NotOpened) as caught:
            await dial(next(iter(server.sockets)).getsockname()[1], ears)
    assert (caught.value.code, caught.value.reason, ears.ends) == (4000, "not now", [])


async def test_a_cut_is_told() -> None:
    async def handler(connection: ServerConnection) -> None:
        connection.transport.abort()

    ears = await talk(handler, until_lost)
    assert [code for code, _ in ears.ends] == [Local.LOST]


async def test_a_broken_frame_is_a_lost_socket() -> None:
    async def handler(connection: ServerConnection) -> None:
        connection.transport.write(b"\xff\xff")
        await connection.wait_closed()

    ears = await talk(handler, until_lost)
    assert [code for code, _ in ears.ends] == [Local.LOST]


async def test_a_message_that_is_too_big_is_a_lost_socket() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send("x" * 1_001)
        await connection.wait_closed()

    ears = await talk(handler, until_lost)
    assert ([code for code, _ in ears.ends], ears.messages) == ([Local.LOST], [])


async def test_after_closing_nothing_is_handed_on_and_nothing_is_sent() -> None:
    heard: list[str | bytes] = []

    async def handler(connection: ServerConnection) -> None:
        async for message in connection:
            heard.append(message)
            await connection.send("answer")

    async def client(socket: WebSocket, ears: Ears) -> None:
        socket.send(b"one")
        socket.close(1000, "done")
        socket.send(b"two")
        await socket.gone

    ears = await talk(handler, client)
    assert (heard, ears.messages, ears.ends) == (["one"], [], [])


async def test_a_peer_that_does_not_close_is_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dropcast_client.websocket.LINGER_S", 0.02)
    closed = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        writer.write(handshake(request))
        await reader.read(-1)
        writer.close()
        closed.set()

    ears = Ears()
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        socket = await dial(server.sockets[0].getsockname()[1], ears)
        socket.close(1000, "done")
        await socket.gone
        await closed.wait()
    assert ears.ends == []


async def test_a_server_that_chooses_no_subprotocol_speaks_json_only() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(handler, "127.0.0.1", 0, compression=None) as server:
        with pytest.raises(NotOpened) as caught:
            await dial(next(iter(server.sockets)).getsockname()[1], Ears(), text=False)
    assert caught.value.code == Local.NO_SUBPROTOCOL


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", 503),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", 404),
        (b"SSH-2.0-OpenSSH_9.6\r\n", Local.LOST),
        (b"", Local.LOST),
    ],
)
async def test_what_is_no_upgrade_is_not_opened(answer: bytes, code: int) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    ears = Ears()
    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        with pytest.raises(NotOpened) as caught:
            await dial(server.sockets[0].getsockname()[1], ears)
    assert caught.value.code == code
    assert ears.ends == []


async def test_messages_right_behind_the_handshake_are_heard() -> None:
    async def eager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        writer.write(handshake(request) + Frame(Opcode.TEXT, b"first").serialize(mask=False))
        await reader.read(-1)
        writer.close()

    ears = Ears()
    async with await asyncio.start_server(eager, "127.0.0.1", 0) as server:
        socket = await dial(server.sockets[0].getsockname()[1], ears)
        await wait_until(lambda: ears.messages)
        socket.abort()
        await socket.gone
    assert ears.messages == [b"first"]


def handshake(request: bytes) -> bytes:
    """Answer an upgrade request by hand."""
    key = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    accept = accept_key(key.split(b":", 1)[1].strip().decode())
    head = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    return head + b"sec-websocket-accept: " + accept.encode() + b"\r\n\r\n"
