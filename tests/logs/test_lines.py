"""Log lines: one for each record, with the ids that are known, and nothing secret in either format."""

import asyncio
import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from dropcast import logs
from dropcast.logs import JsonLines, Redactor, TextLines

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJl"
SECRET = "a secret of the tests, longer than 32 bytes"
NASTY = 'x\r\n2026-01-01T00:00:00.000Z w0 INFO forged: line\u2028and\x85more\x1b[31m\0 "quoted" {"a":1}'

Log = Callable[..., str]


def log_with(formatter: logging.Formatter) -> Log:
    def log(message: str, *args: object, level: int = logging.WARNING, **more: Any) -> str:
        stream = io.StringIO()
        logger = logging.Logger("dropcast.test")
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter)
        logger.addHandler(handler)
        logger.log(level, message, *args, **more)
        return stream.getvalue()

    return log


@pytest.fixture
def as_json() -> Callable[..., dict[str, Any]]:
    log = log_with(JsonLines("w0", Redactor([SECRET])))

    def read(*args: object, **more: Any) -> dict[str, Any]:
        line = log(*args, **more)
        assert line.splitlines() == [line[:-1]]
        found: dict[str, Any] = json.loads(line)
        return found

    return read


@pytest.fixture
def as_text() -> Log:
    return log_with(TextLines("w0", Redactor([SECRET])))


def test_a_json_line_has_what_a_machine_looks_for(as_json: Callable[..., dict[str, Any]]) -> None:
    line = as_json("the %s is away", "engine")
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "dropcast.test",
        "worker": "w0",
        "message": "the engine is away",
    }


def test_ids_come_with_the_call_or_with_the_message(as_json: Callable[..., dict[str, Any]]) -> None:
    line = as_json("show %s: no beat", "friday", extra={"hold": "h1", "viewer": "ana"})
    assert (line["show"], line["hold"], line["viewer"]) == ("friday", "h1", "ana")
    assert "request" not in line


async def test_a_task_says_what_it_is_about_and_its_children_are_not(
    as_json: Callable[..., dict[str, Any]],
) -> None:
    logs.about(request="r1", viewer="")
    logs.about(show="friday")

    async def child() -> dict[str, Any]:
        return as_json("from a task that may outlive the request")

    own = as_json("from the task itself")
    assert (own["request"], own["show"]) == ("r1", "friday")
    assert "viewer" not in own
    assert "request" not in await asyncio.create_task(child())


def test_text_says_ids_that_the_message_does_not_name(as_text: Log) -> None:
    line = as_text("show %s: no beat", "friday", extra={"viewer": "ana"})
    assert line.endswith(" w0 WARNING dropcast.test: show friday: no beat [viewer=ana]\n")


@pytest.mark.parametrize("where", ["message", "id", "exception"])
def test_text_of_users_never_makes_a_line_of_its_own(
    as_text: Log, as_json: Callable[..., dict[str, Any]], where: str
) -> None:
    def log(to: Callable[..., Any]) -> Any:
        if where == "message":
            return to("announced: %s", NASTY)
        if where == "id":
            return to("announced", extra={"viewer": NASTY})
        try:
            raise ValueError(NASTY)
        except ValueError:
            return to("failed", exc_info=True)

    line = log(as_json)
    assert NASTY in (line.get("error") or line.get("viewer") or line["message"])
    lines = log(as_text).splitlines()
    assert len([line for line in lines if not line.startswith("  ")]) == 1
    assert not any("\x1b" in line or "\0" in line for line in lines)


@pytest.mark.parametrize(
    "secret",
    [
        JWT,
        JWT.rpartition(".")[0] + ".",
        SECRET,
        "Bearer some-opaque-token",
        "redis://default:hunter2@engine:6379",
    ],
)
@pytest.mark.parametrize("where", ["message", "argument", "id", "exception", "cause"])
def test_no_secret_gets_out_whichever_way_it_came(
    as_text: Log, as_json: Callable[..., dict[str, Any]], secret: str, where: str
) -> None:
    def log(to: Callable[..., Any]) -> Any:
        if where == "message":
            return to(f"authorization: {secret}")
        if where == "argument":
            return to("headers %r", {"authorization": secret})
        if where == "id":
            return to("seen", extra={"viewer": secret})
        try:
            try:
                raise ValueError(f"cannot read {secret}")
            except ValueError as error:
                if where == "exception":
                    raise
                raise RuntimeError("failed") from error
        except Exception:
            return to("failed", exc_info=True)

    hidden = secret.removeprefix("Bearer ").removeprefix("redis://").removesuffix("@engine:6379")
    for told in (log(as_text), json.dumps(log(as_json))):
        assert hidden not in told
        assert "[redacted]" in told


def test_what_cannot_be_encoded_is_logged_all_the_same(
    as_text: Log, as_json: Callable[..., dict[str, Any]]
) -> None:
    assert as_json("half a pair: \ud800")["message"] == "half a pair: \\ud800"
    assert "half a pair: \\ud800" in as_text("half a pair: \ud800")


@pytest.mark.parametrize("given", ["abc-1", "4bf92f35-77b3.4d:1/x+y=z", "a" * 64])
def test_a_sane_request_id_is_kept(given: str) -> None:
    assert logs.sane_id(given) == given


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "a\r\nb", "-a", "é", f"x{JWT}"[:64], '"'])
def test_another_one_is_replaced(given: str) -> None:
    assert logs.sane_id(given) != given
    assert logs.sane_id(logs.sane_id(given)) != logs.new_id()
