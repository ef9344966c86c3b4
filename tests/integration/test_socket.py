"""The socket itself, spoken to by hand: order of commands, bad input, close codes. The worker lives through it all."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.support.house import House


@asynccontextmanager
async def raw(house: House, *, hello: dict[str, Any] | None = None) -> AsyncIterator[ClientConnection]:
    async with connect(
        f"{house.url}/v1/live",
        subprotocols=[Subprotocol("dropcast.v1.json")],
        compression=None,
        proxy=None,
        ping_interval=None,
    ) as socket:
        if hello is not None:
            assert (await ask(socket, {"type": "hello", "id": 1, **hello}))["type"] == "welcome"
        yield socket


async def ask(socket: ClientConnection, command: dict[str, Any] | str | bytes) -> dict[str, Any]:
    """Say one thing and return the reply to it; events in between are passed over."""
    await socket.send(json.dumps(command) if isinstance(command, dict) else command)
    async with asyncio.timeout(5):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if "re" in message:
                return message


async def closed_with(socket: ClientConnection) -> int:
    """Read to the end; return the close code."""
    async with asyncio.timeout(10):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None  # noqa: PT017 - the loop ends in no other way
            return closed.rcvd.code


async def test_hello_says_who_one_is_and_what_the_limits_are(house: House) -> None:
    async with raw(house) as socket:
        welcome = await ask(socket, {"type": "hello", "id": 1, "token": house.token("ana")})
        assert (welcome["type"], welcome["viewer"], welcome["role"]) == ("welcome", "ana", "viewer")
        assert welcome["limits"]["message_bytes_max"] == house.settings.message_bytes_max


async def test_without_a_token_one_is_anonymous_and_may_watch_but_not_buy(house: House) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"MUG": 1}, product="mug")
    async with raw(house, hello={}) as socket:
        watching = await ask(socket, {"type": "watch", "id": 2, "show": show})
        assert watching["type"] == "watching"
        assert watching["state"]["drops"][0]["drop"] == drop
        reserve = {"type": "reserve", "id": 3, "show": show, "drop": drop, "sku": "MUG", "qty": 1, "key": "k"}
        assert (await ask(socket, reserve))["code"] == "unauthorized"


async def test_nothing_is_answered_before_hello(house: House) -> None:
    async with raw(house) as socket:
        assert (await ask(socket, {"type": "watch", "id": 2, "show": "x"}))["code"] == "hello_first"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"type": "dance", "id": 5}, "unknown_type"),
        ({"type": "watch", "id": 5}, "bad_request"),
        ({"type": "watch", "id": 5, "show": "no-such-show"}, "not_found"),
        ({"type": "watch", "id": 5, "show": "{braces}"}, "bad_request"),
        ({"type": "watch", "id": 5, "show": "x\r\ny\0"}, "bad_request"),
        ({"type": "watch", "id": 5, "show": "x", "since": {"epoch": "e", "seq": -1}}, "bad_request"),
        ({"type": "hello", "id": 5}, "hello_twice"),
        ({"type": "unpin", "id": 5, "show": "x", "drop": "d", "key": "k"}, "forbidden"),
        ({"type": "release", "id": 5, "show": "no-such-show", "hold": "h"}, "not_found"),
        ("[]", "bad_message"),
        ("not json", "bad_message"),
    ],
)
async def test_a_bad_command_is_answered_by_its_code_and_the_socket_goes_on(
    house: House, command: dict[str, Any] | str, code: str
) -> None:
    async with raw(house, hello={"token": house.token("ana")}) as socket:
        error = await ask(socket, command)
        assert (error["type"], error["code"]) == ("error", code)
        assert (await ask(socket, {"type": "ping", "id": 6}))["type"] == "pong"


@pytest.mark.parametrize("qty", [0, -1, 1.5, True, 2**53 + 1, "1"])
async def test_a_quantity_that_is_none_is_a_bad_request(house: House, qty: object) -> None:
    async with raw(house, hello={"token": house.token("ana")}) as socket:
        reserve = {"type": "reserve", "id": 5, "show": "x", "drop": "d", "sku": "A", "qty": qty, "key": "k"}
        assert (await ask(socket, reserve))["code"] == "bad_request"


async def test_another_viewers_hold_cannot_be_released(house: House) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"MUG": 2}, product="mug")
    async with raw(house, hello={"token": house.token("ana")}) as ana:
        reserve = {"type": "reserve", "id": 2, "show": show, "drop": drop, "sku": "MUG", "qty": 1, "key": "k"}
        held = await ask(ana, reserve)
        async with raw(house, hello={"token": house.token("ben")}) as ben:
            release = {"type": "release", "id": 2, "show": show, "hold": held["hold"]}
            assert (await ask(ben, release))["code"] == "forbidden"
        assert (await ask(ana, {"type": "release", "id": 3, "show": show, "hold": held["hold"]}))["type"] == (
            "released"
        )


async def test_a_seq_from_the_future_gets_the_whole_state(house: House) -> None:
    show = await house.live_show()
    async with raw(house, hello={}) as socket:
        first = await ask(socket, {"type": "watch", "id": 2, "show": show})
        since = {"epoch": first["epoch"], "seq": first["seq"] + 1000}
        watching = await ask(socket, {"type": "watch", "id": 3, "show": show, "since": since})
        assert watching["recovered"] is False
        assert "state" in watching


async def test_a_bad_token_is_told_and_the_socket_closed_for_good(house: House) -> None:
    async with raw(house) as socket:
        assert (await ask(socket, {"type": "hello", "id": 1, "token": "a.b.c"}))["code"] == "unauthorized"
        assert await closed_with(socket) == 4501


async def test_an_expired_token_may_come_back_with_a_fresh_one(house: House) -> None:
    async with raw(house) as socket:
        hello = {"type": "hello", "id": 1, "token": house.expired_token("ana")}
        assert (await ask(socket, hello))["code"] == "token_expired"
        assert await closed_with(socket) == 4003


async def test_a_renewed_token_must_be_the_same_viewers(house: House) -> None:
    async with raw(house, hello={"token": house.token("ana")}) as socket:
        assert (await ask(socket, {"type": "auth", "id": 2, "token": house.token("ana")}))[
            "type"
        ] == "welcome"
        assert (await ask(socket, {"type": "auth", "id": 3, "token": house.token("ben")}))[
            "code"
        ] == "conflict"


async def test_a_message_too_big_closes_with_1009(house: House) -> None:
    async with raw(house, hello={}) as socket:
        await socket.send("x" * 70_000)
        assert await closed_with(socket) == 1009


async def test_a_binary_frame_on_the_json_protocol_closes_with_1003(house: House) -> None:
    async with raw(house, hello={}) as socket:
        await socket.send(b"\x80")
        assert await closed_with(socket) == 1003


async def test_invalid_utf8_closes_with_1007(house: House) -> None:
    async with raw(house, hello={}) as socket:
        await socket.send(b'"\xff"', text=True)
        assert await closed_with(socket) == 1007


async def test_a_message_may_come_in_fragments(house: House) -> None:
    async with raw(house, hello={}) as socket:
        await socket.send(['{"type": "pi', 'ng", "i', 'd": 9}'])
        assert json.loads(await socket.recv())["re"] == 9


async def test_too_many_messages_that_are_none_close_the_socket(house: House) -> None:
    async with raw(house, hello={}) as socket:
        for _ in range(16):
            await socket.send("nonsense")
        assert await closed_with(socket) == 4500


async def test_an_upgrade_on_another_path_is_not_found(house: House) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{house.url}/v1/other", proxy=None):
            pass
    assert refused.value.response.status_code == 404


async def test_bytes_that_follow_the_handshake_at_once_are_not_lost(house: House) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    payload = b'{"type":"hello","id":1}'
    masked = bytes((0x81, 0x80 | len(payload), 0, 0, 0, 0)) + payload
    writer.write(
        b"GET /v1/live HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + masked
    )
    async with asyncio.timeout(5):
        await reader.readuntil(b"\r\n\r\n")
        head = await reader.readexactly(2)
        assert b'"type":"welcome"' in await reader.readexactly(
            head[1] if head[1] < 126 else int.from_bytes(await reader.readexactly(2))
        )
    writer.close()
    await writer.wait_closed()
