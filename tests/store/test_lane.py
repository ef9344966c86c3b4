"""A lane: calls are carried out in the order of the asking, several at a time, and fail together."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from dropcast.domain.faults import EngineAway, EngineFault
from dropcast.store.connection import ask, connect
from dropcast.store.lane import Lane
from tests.support.wait import wait_until


@pytest.fixture
async def lane(client: Redis) -> Lane:
    return Lane(client)


async def test_calls_that_are_made_side_by_side_are_carried_out_in_order(lane: Lane, client: Redis) -> None:
    await asyncio.gather(*(ask(lane, "RPUSH", "list", number) for number in range(50)))
    assert await ask(client, "LRANGE", "list", 0, -1) == [b"%d" % number for number in range(50)]
    await ask(client, "DEL", "list")


async def test_each_call_has_its_own_answer(lane: Lane) -> None:
    words = [f"word {number}" for number in range(20)]
    assert await asyncio.gather(*(ask(lane, "ECHO", word) for word in words)) == [
        word.encode() for word in words
    ]


async def test_a_command_that_the_engine_refuses_fails_alone(lane: Lane) -> None:
    answers = await asyncio.gather(
        ask(lane, "ECHO", "one"), ask(lane, "NONSENSE"), ask(lane, "ECHO", "two"), return_exceptions=True
    )
    assert [answers[0], answers[2]] == [b"one", b"two"]
    assert isinstance(answers[1], EngineFault)
    assert not isinstance(answers[1], EngineAway)


async def test_a_call_that_nobody_waits_for_any_more_disturbs_no_other(lane: Lane, client: Redis) -> None:
    waiting = asyncio.create_task(ask(lane, "BLPOP", "nothing", 0))
    behind = asyncio.create_task(ask(lane, "ECHO", "behind"))

    async def waits() -> bool:
        return int((await ask(client, "INFO", "clients"))["blocked_clients"]) == 1

    await wait_until(waits)
    waiting.cancel()
    after = asyncio.create_task(ask(lane, "ECHO", "after"))
    await ask(client, "RPUSH", "nothing", "something")
    assert [await behind, await after] == [b"behind", b"after"]
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_an_answer_that_comes_too_late_is_given_to_nobody_else(
    lane: Lane, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dropcast.store.lane.REPLY_TIMEOUT_S", 0.2)
    number = await ask(lane, "CLIENT", "ID")
    answers = await asyncio.gather(
        ask(lane, "BLPOP", "nothing", 0), ask(lane, "ECHO", "behind"), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [EngineAway, EngineAway]
    words = ["after", "and after that"]
    assert await asyncio.gather(*(ask(lane, "ECHO", word) for word in words)) == [b"after", b"and after that"]
    assert await ask(lane, "CLIENT", "ID") != number


async def test_a_connection_that_ended_while_nobody_asked_is_replaced_unnoticed(
    lane: Lane, client: Redis
) -> None:
    number = await ask(lane, "CLIENT", "ID")
    await ask(client, "CLIENT", "KILL", "ID", number)

    async def has_ended() -> bool:
        listed = await ask(client, "CLIENT LIST", "ID", number)
        return not listed

    await wait_until(has_ended)
    assert await ask(lane, "ECHO", "here") == b"here"
    assert await ask(lane, "CLIENT", "ID") != number


class _Deaf:
    """A server that takes commands and ends the connection at the second one."""

    def __init__(self) -> None:
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        seen = b""
        while seen.count(b"ECHO") < 2:
            data = await reader.read(4096)
            if not data:
                break
            seen += data
            for _ in range(data.count(b"HELLO")):
                writer.write(b"%1\r\n+proto\r\n:3\r\n")
            for _ in range(data.count(b"SETINFO")):
                writer.write(b"+OK\r\n")
        writer.close()


@pytest.fixture
async def deaf(tmp_path: Path) -> AsyncIterator[tuple[_Deaf, Lane]]:
    server = _Deaf()
    path = tmp_path / "s"
    listening = await asyncio.start_unix_server(server.serve, path)
    client = connect(f"unix://{path}")
    yield server, Lane(client)
    await client.aclose()
    listening.close()
    await listening.wait_closed()


async def test_a_connection_that_ends_fails_all_calls_on_it_and_the_next_call_has_a_new_one(
    deaf: tuple[_Deaf, Lane],
) -> None:
    server, lane = deaf
    answers = await asyncio.gather(ask(lane, "ECHO", "a"), ask(lane, "ECHO", "b"), return_exceptions=True)
    assert [type(answer) for answer in answers] == [EngineAway, EngineAway]
    answers = await asyncio.gather(ask(lane, "ECHO", "c"), ask(lane, "ECHO", "d"), return_exceptions=True)
    assert [type(answer) for answer in answers] == [EngineAway, EngineAway]
    assert server.connections == 2


@pytest.mark.parametrize("hangs", ["before it greets", "before it reads"])
async def test_an_engine_that_hangs_holds_up_nobody_for_longer_than_an_answer_may_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hangs: str
) -> None:
    monkeypatch.setattr("dropcast.store.lane.REPLY_TIMEOUT_S", 0.3)
    monkeypatch.setattr("dropcast.store.connection.REPLY_TIMEOUT_S", 0.3)
    is_over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted = hangs == "before it greets"
        while not greeted:
            data = await reader.read(4096)
            writer.write(
                b"%1\r\n+proto\r\n:3\r\n" * data.count(b"HELLO") + b"+OK\r\n" * data.count(b"SETINFO")
            )
            greeted = b"ECHO" in data
        await is_over.wait()
        writer.transport.abort()

    listening = await asyncio.start_unix_server(serve, tmp_path / "s", limit=4096)
    client = connect(f"unix://{tmp_path / 's'}")
    lane = Lane(client)
    large = "x" * 2**22  # more than the kernel takes from somebody whose peer does not read
    async with asyncio.timeout(10):
        answers = await asyncio.gather(
            *(ask(lane, "ECHO", word) for word in (large, *"abcdefghij")), return_exceptions=True
        )
    assert {type(answer) for answer in answers} == {EngineAway}
    is_over.set()
    await client.aclose()
    listening.close()
    await listening.wait_closed()
