"""Whatever a client sends has its documented answer, the worker lives, and the books are true.

One server takes it all, with short deadlines; its log is looked through at the end.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.house import House
from tests.support.raw import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    frame,
    live,
    say,
    serves,
)
from tests.support.server import SECRET, Server
from tests.support.tokens import claims, handmade, token

PING_COMMAND = say({"type": "ping", "id": 7})
RESERVE = {"type": "reserve", "id": 5, "show": "x", "drop": "d", "sku": "A", "qty": 1, "key": "k"}
WATCH = {"type": "watch", "id": 5, "show": "x"}
ANNOUNCE = {"type": "announce", "id": 5, "show": "x", "key": "k", "text": "Hi"}


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
async def test_a_bad_frame_ends_the_socket_with_its_code_and_nothing_else(hostile: House, case: str) -> None:
    sent, code = FRAMES[case]
    async with live(hostile.port, hello={}) as raw:
        await raw.send(sent)
        assert (await raw.closed())[0] == code
        raw.writer.close()
    await serves(hostile.port)


async def test_a_close_without_a_code_is_answered_by_one_without(hostile: House) -> None:
    async with live(hostile.port, hello={}) as raw:
        await raw.send(frame(CLOSE))
        assert await raw.frame() == (CLOSE, b"")
        assert await raw.ended() == b""


async def test_control_frames_may_stand_between_fragments(hostile: House) -> None:
    async with live(hostile.port, hello={}) as raw:
        await raw.send(
            frame(TEXT, b'{"type":"pi', fin=False)
            + frame(PING, b"are you there")
            + frame(CONT, fin=False)
            + frame(CONT, b'ng","id":9}')
        )
        frames = [await raw.frame(), await raw.frame()]
        assert (PONG, b"are you there") in frames
        assert any(b'"re":9' in payload for _, payload in frames)


async def test_a_character_may_be_split_over_fragments(hostile: House) -> None:
    async with live(hostile.port, hello={}) as raw:
        whole = '{"type":"ping","id":9,"x":"\N{EURO SIGN}"}'.encode()
        half = whole.index(b"\xe2") + 1
        await raw.send(frame(TEXT, whole[:half], fin=False) + frame(CONT, whole[half:]))
        assert (await raw.message())["re"] == 9


async def test_a_flood_is_slowed_before_it_is_cut(hostile: House) -> None:
    async with live(hostile.port, hello={}) as raw:
        await raw.send(PING_COMMAND * 2_000)
        code, messages = await raw.closed()
        assert code == 4005
        told = [message.get("code", "pong") for message in messages]
        assert told.count("pong") >= hostile.settings.anonymous_commands_per_s
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
async def test_a_bad_command_has_its_error_and_the_socket_goes_on(hostile: House, case: str) -> None:
    command, code = COMMANDS[case]
    text = command if isinstance(command, str) else json.dumps(command)
    async with live(hostile.port, hello={"token": hostile.token("ana")}) as raw:
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
async def test_free_data_is_bounded(hostile: House, data: str, code: str) -> None:
    command = json.dumps(ANNOUNCE)[:-1] + f', "data": {data}}}'
    async with live(hostile.port, hello={"token": hostile.token("cleo", "creator")}) as raw:
        await raw.send(frame(TEXT, command.encode()))
        assert (await raw.message())["code"] == code
        assert (await raw.ask({"type": "ping", "id": 6}))["type"] == "pong"


async def test_nothing_can_be_reserved_in_a_show_that_has_ended(hostile: House) -> None:
    show = await hostile.live_show()
    drop = await hostile.drop(show, {"MUG": 1}, product="mug")
    async with hostile.http("cleo", "creator") as http:
        assert (await http.post(f"/v1/shows/{show}/end")).status_code == 200
    async with live(hostile.port, hello={"token": hostile.token("ana")}) as raw:
        reserve = {"type": "reserve", "id": 2, "show": show, "drop": drop, "sku": "MUG", "qty": 1, "key": "k"}
        assert (await raw.ask(reserve))["type"] == "refused"
        assert (await raw.ask({"type": "watch", "id": 3, "show": show}))["state"]["show"]["status"] == "ended"


async def test_a_hold_is_its_viewers_alone(hostile: House) -> None:
    show = await hostile.live_show()
    drop = await hostile.drop(show, {"MUG": 1}, product="mug")
    reserve = {"type": "reserve", "id": 2, "show": show, "drop": drop, "sku": "MUG", "qty": 1, "key": "k"}
    async with (
        live(hostile.port, hello={"token": hostile.token("ana")}) as ana,
        live(hostile.port, hello={"token": hostile.token("ben")}) as ben,
    ):
        hold = (await ana.ask(reserve))["hold"]
        for command in (
            {"type": "release", "id": 3, "show": show, "hold": hold},
            {"type": "checkout", "id": 4, "show": show, "hold": hold, "payment": "tok_approve"},
        ):
            assert (await ben.ask(command))["code"] == "forbidden"
        assert (await ana.ask({"type": "release", "id": 3, "show": show, "hold": hold}))["type"] == "released"


async def test_a_since_from_the_future_gets_the_whole_state(hostile: House) -> None:
    show = await hostile.live_show()
    async with live(hostile.port, hello={}) as raw:
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
async def test_a_bad_token_is_told_and_the_socket_closed(hostile: House, case: str) -> None:
    make, error, code = TOKENS[case]
    text = make()
    async with live(hostile.port) as raw:
        await raw.send(say({"type": "hello", "id": 1, "token": text}))
        closed, messages = await raw.closed()
        assert (messages[-1]["code"], closed) == (error, code)
        assert text not in json.dumps(messages)
    await serves(hostile.port)


# The books --------------------------------------------------------------------------------------------------


async def test_after_all_this_a_sale_goes_through_and_the_books_are_true(
    hostile: House, hostile_server: Server
) -> None:
    show = await hostile.live_show()
    drop = await hostile.drop(show, {"SCARF-RED": 2})
    async with live(hostile.port, hello={"token": hostile.token("ana")}) as raw:
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
    assert await asyncio.to_thread(hostile_server.audit) == "ok"
