"""Whatever a client sends has its documented answer, the worker lives, and the books are true.

One server takes it all, with short deadlines; its log is looked through at the end.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.support.house import House
from tests.support.processes import memory_bytes, workers_of
from tests.support.raw import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    Raw,
    connection,
    frame,
    live,
    say,
    upgrade,
)
from tests.support.server import SECRET, Server
from tests.support.tokens import claims, handmade, token

DEADLINES = {"hello_deadline_ms": 600, "header_deadline_ms": 700, "body_deadline_ms": 700}
PING_COMMAND = say({"type": "ping", "id": 7})
RESERVE = {"type": "reserve", "id": 5, "show": "x", "drop": "d", "sku": "A", "qty": 1, "key": "k"}
WATCH = {"type": "watch", "id": 5, "show": "x"}
ANNOUNCE = {"type": "announce", "id": 5, "show": "x", "key": "k", "text": "Hi"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("hostile"), workers=1, log_level="info", **DEADLINES)
    try:
        yield server
    finally:
        status = server.stop()
    log = "".join(server.lines)
    assert status == 0, log
    assert "Traceback" not in log, log
    # A line of the log is one line, whatever stood in an id.
    assert "\0" not in log
    assert "forged" not in [line.strip() for line in server.lines]


@pytest.fixture(scope="module")
def house(server: Server) -> House:
    house = House(server.settings, server.port, SECRET)
    asyncio.run(house.import_catalogue())
    return house


async def serves(house: House) -> None:
    """The same server still answers on both ways."""
    async with live(house.port, hello={}) as raw:
        assert (await raw.ask({"type": "ping", "id": 2}))["type"] == "pong"
    async with house.http() as http:
        assert (await http.get("/readyz")).status_code == 200


# Frames -----------------------------------------------------------------------------------------------------

FRAMES: dict[str, tuple[bytes, int]] = {
    "a frame of 70 KB": (frame(TEXT, b"x" * 70_000), 1009),
    "fragments of 70 KB": (frame(TEXT, b"x" * 40_000, fin=False) + frame(CONT, b"x" * 30_000), 1009),
    "a frame that says 2^62 bytes": (b"\x81\xff" + (2**62).to_bytes(8) + bytes(4), 1009),
    "invalid UTF-8": (frame(TEXT, b'{"type":"ping","id":1,"x":"\xff"}'), 1007),
    "invalid UTF-8 over fragments": (
        frame(TEXT, b'{"type":"ping","id":1,"x":"\xe2\x82', fin=False) + frame(CONT, b'"}'),
        1007,
    ),
    "a binary frame on the JSON protocol": (frame(BINARY, b"\x80"), 1003),
    "a compressed frame": (frame(TEXT, b"x", rsv1=True), 1002),
    "an unmasked frame": (frame(TEXT, b"x", masked=False), 1002),
    "a continuation without a start": (frame(CONT, b"x"), 1002),
    "a start within fragments": (frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002),
    "a frame of no known kind": (frame(3, b"x"), 1002),
    "a ping in fragments": (frame(PING, b"x", fin=False), 1002),
    "a ping of 126 bytes": (frame(PING, b"x" * 126), 1002),
    "a close frame of one byte": (frame(CLOSE, b"\x03"), 1002),
    "a close code that is none": (frame(CLOSE, (999).to_bytes(2)), 1002),
    "a close reason that is not UTF-8": (frame(CLOSE, (1000).to_bytes(2) + b"\xff"), 1007),
    "a close frame of 126 bytes": (frame(CLOSE, (1000).to_bytes(2) + b"x" * 124), 1002),
    "20,000 pings": (frame(PING) * 20_000, 4005),
    "20,000 pongs": (frame(PONG) * 20_000, 4005),
    "20,000 empty fragments": (frame(TEXT, fin=False) + frame(CONT, fin=False) * 20_000, 4005),
    "a flood of commands": (PING_COMMAND * 2_000, 4005),
    "a flood of nonsense": (frame(TEXT, b"nonsense") * 2_000, 4500),
    "nonsense and then a close": (frame(TEXT, b"x") * 20 + frame(CLOSE, (1000).to_bytes(2)), 1000),
    "HTTP after the upgrade": (b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n", 1002),
}


@pytest.mark.parametrize("case", FRAMES)
async def test_a_bad_frame_ends_the_socket_with_its_code_and_nothing_else(house: House, case: str) -> None:
    sent, code = FRAMES[case]
    async with live(house.port, hello={}) as raw:
        await raw.send(sent)
        assert (await raw.closed())[0] == code
        raw.writer.close()
    await serves(house)


async def test_a_close_without_a_code_is_answered_by_one_without(house: House) -> None:
    async with live(house.port, hello={}) as raw:
        await raw.send(frame(CLOSE))
        assert await raw.frame() == (CLOSE, b"")
        assert await raw.ended() == b""


async def test_control_frames_may_stand_between_fragments(house: House) -> None:
    async with live(house.port, hello={}) as raw:
        await raw.send(
            frame(TEXT, b'{"type":"pi', fin=False)
            + frame(PING, b"are you there")
            + frame(CONT, fin=False)
            + frame(CONT, b'ng","id":9}')
        )
        frames = [await raw.frame(), await raw.frame()]
        assert (PONG, b"are you there") in frames
        assert any(b'"re":9' in payload for _, payload in frames)


async def test_a_character_may_be_split_over_fragments(house: House) -> None:
    async with live(house.port, hello={}) as raw:
        whole = '{"type":"ping","id":9,"x":"\N{EURO SIGN}"}'.encode()
        half = whole.index(b"\xe2") + 1
        await raw.send(frame(TEXT, whole[:half], fin=False) + frame(CONT, whole[half:]))
        assert (await raw.message())["re"] == 9


async def test_a_flood_is_slowed_before_it_is_cut(house: House) -> None:
    async with live(house.port, hello={}) as raw:
        await raw.send(PING_COMMAND * 2_000)
        code, messages = await raw.closed()
        assert code == 4005
        told = [message.get("code", "pong") for message in messages]
        assert told.count("pong") >= house.settings.anonymous_commands_per_s
        assert set(told) == {"pong", "rate_limited"}


# Commands ---------------------------------------------------------------------------------------------------

COMMANDS: dict[str, tuple[dict[str, Any] | str, str]] = {
    "an unknown type": ({"type": "dance", "id": 5}, "unknown_type"),
    "no type": ({"id": 5}, "bad_message"),
    "a missing field": ({"type": "watch", "id": 5}, "bad_request"),
    "an id of 2^53": ('{"type": "ping", "id": 9007199254740992}', "bad_request"),
    "no quantity": ({**RESERVE, "qty": None}, "bad_request"),
    "a quantity of 0": ({**RESERVE, "qty": 0}, "bad_request"),
    "a quantity of -1": ({**RESERVE, "qty": -1}, "bad_request"),
    "a quantity of 1.5": ({**RESERVE, "qty": 1.5}, "bad_request"),
    "a quantity of true": ({**RESERVE, "qty": True}, "bad_request"),
    "a quantity of 2^53 + 1": ({**RESERVE, "qty": 2**53 + 1}, "bad_request"),
    "a viewer who pins": (
        {"type": "pin", "id": 5, "show": "x", "key": "k", "product": "p", "units": {}},
        "forbidden",
    ),
    "a viewer who freezes": ({"type": "freeze", "id": 5, "show": "x"}, "forbidden"),
    "a viewer who bans": ({"type": "ban", "id": 5, "show": "x", "viewer": "y"}, "forbidden"),
    "an unknown show": ({"type": "watch", "id": 5, "show": "nobody"}, "not_found"),
    "braces in an id": ({"type": "watch", "id": 5, "show": "{x}"}, "bad_request"),
    "CR LF in an id": ({"type": "watch", "id": 5, "show": "x\r\nforged"}, "bad_request"),
    "LF at the end of an id": ({"type": "watch", "id": 5, "show": "x\n"}, "bad_request"),
    "NUL in an id": ({"type": "watch", "id": 5, "show": "x\0"}, "bad_request"),
    "CR LF in a key": ({**RESERVE, "key": "k\r\nforged"}, "bad_request"),
    "NUL in a SKU": ({**RESERVE, "sku": "A\0"}, "bad_request"),
    "a lone surrogate": ('{"type": "watch", "id": 5, "show": "\\ud800"}', "bad_message"),
    "a negative since": (
        {"type": "watch", "id": 5, "show": "x", "since": {"epoch": "e", "seq": -1}},
        "bad_request",
    ),
    "an endless epoch": (
        {"type": "watch", "id": 5, "show": "x", "since": {"epoch": "e" * 999, "seq": 1}},
        "bad_request",
    ),
    "1,000 levels": ("[" * 1_000, "bad_message"),
    "30,000 levels": ("[" * 30_000, "bad_message"),
}


@pytest.mark.parametrize("case", COMMANDS)
async def test_a_bad_command_has_its_error_and_the_socket_goes_on(house: House, case: str) -> None:
    command, code = COMMANDS[case]
    text = command if isinstance(command, str) else json.dumps(command)
    async with live(house.port, hello={"token": house.token("ana")}) as raw:
        await raw.send(frame(TEXT, text.encode()))
        error = await raw.message()
        assert (error["type"], error["code"]) == ("error", code)
        assert "\n" not in error["message"]
        assert (await raw.ask({"type": "ping", "id": 6}))["type"] == "pong"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("1" * 30, "bad_request"),
        ("[" * 17 + "]" * 17, "bad_request"),
        ("[" * 1_000 + "]" * 1_000, "bad_message"),
    ],
    ids=["30-digit integers", "17 levels", "1,000 levels"],
)
async def test_free_data_is_bounded(house: House, data: str, code: str) -> None:
    command = json.dumps(ANNOUNCE)[:-1] + f', "data": {data}}}'
    async with live(house.port, hello={"token": house.token("cleo", "creator")}) as raw:
        await raw.send(frame(TEXT, command.encode()))
        assert (await raw.message())["code"] == code
        assert (await raw.ask({"type": "ping", "id": 6}))["type"] == "pong"


async def test_nothing_can_be_reserved_in_a_show_that_has_ended(house: House) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"MUG": 1}, product="mug")
    async with house.http("cleo", "creator") as http:
        assert (await http.post(f"/v1/shows/{show}/end")).status_code == 200
    async with live(house.port, hello={"token": house.token("ana")}) as raw:
        reserve = {"type": "reserve", "id": 2, "show": show, "drop": drop, "sku": "MUG", "qty": 1, "key": "k"}
        assert (await raw.ask(reserve))["type"] == "refused"
        assert (await raw.ask({"type": "watch", "id": 3, "show": show}))["state"]["show"]["status"] == "ended"


async def test_a_hold_is_its_viewers_alone(house: House) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"MUG": 1}, product="mug")
    reserve = {"type": "reserve", "id": 2, "show": show, "drop": drop, "sku": "MUG", "qty": 1, "key": "k"}
    async with (
        live(house.port, hello={"token": house.token("ana")}) as ana,
        live(house.port, hello={"token": house.token("ben")}) as ben,
    ):
        hold = (await ana.ask(reserve))["hold"]
        for command in (
            {"type": "release", "id": 3, "show": show, "hold": hold},
            {"type": "checkout", "id": 4, "show": show, "hold": hold, "payment": "tok_approve"},
        ):
            assert (await ben.ask(command))["code"] == "forbidden"
        assert (await ana.ask({"type": "release", "id": 3, "show": show, "hold": hold}))["type"] == "released"


async def test_a_since_from_the_future_gets_the_whole_state(house: House) -> None:
    show = await house.live_show()
    async with live(house.port, hello={}) as raw:
        first = await raw.ask({"type": "watch", "id": 2, "show": show})
        since = {"epoch": first["epoch"], "seq": first["seq"] + 1_000_000}
        again = await raw.ask({"type": "watch", "id": 3, "show": show, "since": since})
        assert "state" in again


# Tokens -----------------------------------------------------------------------------------------------------


def forged(**changes: Any) -> str:
    return token(SECRET, **{"sub": "eve", **changes})


def unsigned() -> str:
    return handmade({"alg": "none", "typ": "JWT"}, claims(sub="eve"))


TOKENS: dict[str, tuple[Callable[[], str], str, int]] = {
    "alg none": (unsigned, "unauthorized", 4501),
    "expired": (lambda: forged(exp=int(time.time()) - 600), "token_expired", 4003),
    "for another audience": (lambda: forged(aud="elsewhere"), "unauthorized", 4501),
    "of a role that is none": (lambda: forged(role="king"), "unauthorized", 4501),
    "with a line feed in sub": (lambda: forged(sub="eve\nforged"), "unauthorized", 4501),
    "nonsense": (lambda: "a.b.c", "unauthorized", 4501),
}


@pytest.mark.parametrize("case", TOKENS)
async def test_a_bad_token_is_told_and_the_socket_closed(house: House, case: str) -> None:
    make, error, code = TOKENS[case]
    text = make()
    async with live(house.port) as raw:
        await raw.send(say({"type": "hello", "id": 1, "token": text}))
        closed, messages = await raw.closed()
        assert (messages[-1]["code"], closed) == (error, code)
        assert text not in json.dumps(messages)
    await serves(house)


# Time -------------------------------------------------------------------------------------------------------


async def test_no_hello_in_time_is_closed(house: House) -> None:
    async with live(house.port) as raw:
        assert (await raw.closed())[0] == 4002


async def silence(raw: Raw) -> None:
    """Say nothing."""


async def half_a_line(raw: Raw) -> None:
    await raw.send(b"GET /heal")


async def a_header_at_a_time(raw: Raw) -> None:
    await raw.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: b\r\n")


async def only_empty_lines(raw: Raw) -> None:
    await raw.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await raw.head())[0] == 200
    await raw.reader.readuntil(b"}")
    await raw.send(b"\r\n")


async def half_a_body(raw: Raw) -> None:
    await raw.send(
        b"POST /v1/shows HTTP/1.1\r\nhost: x\r\nauthorization: Bearer "
        + forged(role="creator").encode()
        + b"\r\ncontent-length: 100\r\n\r\n{"
    )


@pytest.mark.parametrize(
    "begin",
    [silence, half_a_line, a_header_at_a_time, only_empty_lines, half_a_body],
    ids=lambda f: f.__name__,
)
async def test_a_request_that_does_not_come_is_timed_out(
    house: House, begin: Callable[[Raw], Awaitable[None]]
) -> None:
    async with connection(house.port) as raw:
        await begin(raw)
        assert (await raw.head())[0] == 408
        await raw.ended()
    await serves(house)


# HTTP -------------------------------------------------------------------------------------------------------

REQUESTS: dict[str, tuple[bytes, int]] = {
    "an upgrade on another path": (upgrade("/v1/other"), 404),
    "an upgrade by HTTP/1.0": (upgrade(version="1.0"), 400),
    "an upgrade without a host": (upgrade(host=None), 400),
    "two hosts": (upgrade()[:-2] + b"host: y\r\n\r\n", 400),
    "an upgrade without a key": (upgrade().replace(b"sec-websocket-key", b"x-key"), 400),
    "an old websocket": (upgrade().replace(b"version: 13", b"version: 8"), 426),
    "a subprotocol that is none": (upgrade(sec_websocket_protocol="chat"), 400),
    "a foreign Origin": (upgrade(origin="https://evil.example"), 403),
    "an Origin that is none": (upgrade(origin="null"), 403),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "a host and port to connect to": (b"CONNECT example.com:80 HTTP/1.1\r\nhost: x\r\n\r\n", 400),
    "NUL in a header": (b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: b\0c\r\n\r\n", 400),
    "two lengths": (
        b"POST /v1/shows HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        400,
    ),
    "a length and chunks": (
        b"POST /v1/shows HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "101 header fields": (b"GET /healthz HTTP/1.1\r\nhost: x\r\n" + b"x-a: b\r\n" * 101 + b"\r\n", 431),
    "an address of 20 KB": (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 431),
    "an upgrade behind a request": (b"GET /v1/shows HTTP/1.1\r\nhost: x\r\n\r\n" + upgrade(), 400),
    "percent signs in an id": (b"GET /v1/shows/%0d%0aforged%00 HTTP/1.1\r\nhost: x\r\n\r\n", 422),
    "h2c": (b"GET /healthz HTTP/1.1\r\nhost: x\r\nupgrade: h2c\r\nconnection: Upgrade\r\n\r\n", 200),
}


@pytest.mark.parametrize("case", REQUESTS)
async def test_a_bad_request_has_its_status(house: House, case: str) -> None:
    sent, status = REQUESTS[case]
    async with connection(house.port) as raw:
        await raw.send(sent)
        assert (await raw.head())[0] == status
    await serves(house)


async def test_an_app_and_a_page_of_the_server_itself_may_connect(house: House) -> None:
    for origin in ({}, {"host": "shop.example", "origin": "https://shop.example"}):
        async with live(house.port, hello={}, **origin):
            pass


@pytest.mark.parametrize("piece", [b"x-a: " + b"b" * 991 + b"\r\n", b"b" * 1_000], ids=["many", "one"])
async def test_40_mb_of_headers_are_refused_without_being_kept(
    house: House, server: Server, piece: bytes
) -> None:
    (pid,) = workers_of(server.process.pid)
    before = memory_bytes(pid)
    async with connection(house.port) as raw:
        await raw.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-big: ")
        answer = asyncio.create_task(raw.head())
        for _ in range(40):
            await raw.send(piece * 1_000)
        assert (await answer)[0] == 431
    assert memory_bytes(pid) - before < 8_000_000
    await serves(house)


async def test_a_body_too_large_is_refused_before_it_has_come(house: House) -> None:
    async with house.http("olga", "operator") as http:
        answer = await http.post(
            "/v1/products?currency=EUR", content=b"x" * (house.settings.body_bytes_max + 1)
        )
        assert answer.status_code == 413


# The books --------------------------------------------------------------------------------------------------


async def test_after_all_this_a_sale_goes_through_and_the_books_are_true(
    house: House, server: Server
) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"SCARF-RED": 2})
    async with live(house.port, hello={"token": house.token("ana")}) as raw:
        reserve = {
            "type": "reserve",
            "id": 2,
            "show": show,
            "drop": drop,
            "sku": "SCARF-RED",
            "qty": 1,
            "key": "k",
        }
        hold = (await raw.ask(reserve))["hold"]
        pay = {"type": "checkout", "id": 3, "show": show, "hold": hold, "payment": "tok_approve"}
        assert (await raw.ask(pay))["type"] == "sold"
    assert await asyncio.to_thread(server.audit) == "ok"
