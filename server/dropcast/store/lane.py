"""A lane: one connection to the engine on which several calls may be under way, carried out in the order of the asking.

Trades go through it. The client's pool gives every call a connection of its own, and between two connections the
engine knows no order: a viewer's release could overtake the reserve before it.
"""

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError, ResponseError

from dropcast.store.connection import Pool


class Lane:
    """Answers `execute_command` as a client does, for `connection.ask`. Connects when it is first used.

    A connection that fails in any way is given up, and with it all calls that are under way on it: what became of
    them is unknown. The next call connects anew.
    """

    def __init__(self, client: Redis) -> None:
        """`client` is one of connection.connect; closing it closes the lane."""
        pool = client.connection_pool
        assert isinstance(pool, Pool)
        self._pool = pool
        self._connection: AbstractConnection | None = None
        self._sending = asyncio.Lock()
        self._last: asyncio.Future[None] | None = None
        """Done when the answer to the call that was sent last has been read."""

    async def execute_command(self, *command: str | int | bytes) -> Any:
        async with self._sending:
            connection = self._connection = self._connection or self._pool.keep()
            before, self._last = self._last, asyncio.get_running_loop().create_future()
            read = self._last
            try:
                await connection.send_command(*command, check_health=False)
            except BaseException:
                read.set_result(None)
                await self._give_up(connection)
                raise
        try:
            if before is not None:
                await before
            if connection is not self._connection:
                raise ConnectionError("the connection was given up over the call before")
            return await connection.read_response()
        except ResponseError:
            raise
        except BaseException:
            await self._give_up(connection)
            raise
        finally:
            read.set_result(None)

    async def _give_up(self, connection: AbstractConnection) -> None:
        if connection is self._connection:
            # Before anything is awaited: whoever comes next must not send on it.
            self._connection = None
        await self._pool.drop(connection)
