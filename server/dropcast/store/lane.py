"""A lane: one connection to the engine on which several calls may be under way, carried out in the order of the asking.

Trades go through it. The client's pool gives every call a connection of its own, and between two connections the
engine knows no order: a viewer's release could overtake the reserve before it. It is also the cheaper way, so that
all small calls take it.
"""

import asyncio
import contextlib
from collections import deque
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError, ResponseError

from dropcast.store.connection import REPLY_TIMEOUT_S, Pool

_Answer = asyncio.Future[Any]


class _Way:
    """A connection, and who waits for the answers that are still to come on it, in order."""

    __slots__ = ("connection", "reader", "waiting")

    def __init__(self, connection: AbstractConnection) -> None:
        self.connection = connection
        self.waiting: deque[_Answer] = deque()
        self.reader: asyncio.Task[None] | None = None


class Lane:
    """Answers `execute_command` as a client does, for `connection.ask`. Connects when it is first used.

    A connection that fails in any way is given up, and with it all calls that are under way on it: what became of
    them is unknown. The next call connects anew. Who stops waiting for an answer disturbs nobody else.
    """

    def __init__(self, client: Redis) -> None:
        """`client` is one of connection.connect; closing it closes the lane."""
        self._client = client
        self._way: _Way | None = None
        self._sending = asyncio.Lock()

    async def execute_command(self, *command: str | int | bytes) -> Any:
        """Raises ConnectionError or TimeoutError when the call cannot be sent, or has no answer in time."""
        answer: _Answer = asyncio.get_running_loop().create_future()
        # Whoever sends is held up by an engine that hangs, within a time limit. Many who wait for their turn must not
        # add these limits up. When nobody is sending there is no need of one, and it costs more than the lock.
        limit = asyncio.timeout(REPLY_TIMEOUT_S) if self._sending.locked() else contextlib.nullcontext()
        async with limit, self._sending:
            await self._send(command, answer)
        return await answer

    async def _send(self, command: tuple[str | int | bytes, ...], answer: _Answer) -> None:
        way = self._way
        if way is None:
            way = self._way = _Way(self._pool.keep())
        try:
            if not way.waiting:
                # It may have ended while nobody asked anything, as when the engine was started anew.
                await self._pool.open(way.connection)
            # Both before it is sent: the answer may be there before this goes on, and when there is none in time, the
            # reader ends the connection, and with it a sending that the engine does not take.
            way.waiting.append(answer)
            if way.reader is None:
                way.reader = asyncio.get_running_loop().create_task(self._read(way))
            await way.connection.send_command(*command, check_health=False)
        except BaseException as fault:
            answer.cancel()
            await self._give_up(way, fault)
            raise

    async def _read(self, way: _Way) -> None:
        """Hand on answers until nobody waits for one."""
        while way.waiting:
            try:
                # A time limit of the connection's own would answer None when it runs out. The late answer would then
                # be taken for the next call's, and every call after it would get another's.
                async with asyncio.timeout(REPLY_TIMEOUT_S):
                    found = await way.connection.read_response(disconnect_on_error=False)
            except ResponseError as refused:
                found = refused
            except BaseException as fault:
                await self._give_up(way, fault)
                if not isinstance(fault, Exception):
                    raise
                break
            if not way.waiting:
                break  # given up by somebody who could not send, while the answer was there already
            answer = way.waiting.popleft()
            if answer.done():
                continue
            if isinstance(found, ResponseError):
                answer.set_exception(found)
            else:
                answer.set_result(found)
        way.reader = None

    async def _give_up(self, way: _Way, fault: BaseException) -> None:
        if way is self._way:
            # Before anything is awaited: whoever comes next must not send on it.
            self._way = None
        while way.waiting:
            answer = way.waiting.popleft()
            if not answer.done():
                lost = (
                    fault if isinstance(fault, Exception) else ConnectionError("the connection was given up")
                )
                answer.set_exception(lost)
        await self._pool.drop(way.connection)

    @property
    def _pool(self) -> Pool:
        pool = self._client.connection_pool
        assert isinstance(pool, Pool)
        return pool
