"""The library `websockets` as its manual tells: its asyncio server and `broadcast`, on uvloop."""

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

viewers: set[ServerConnection] = set()


async def handle(connection: ServerConnection) -> None:
    assert connection.request is not None
    if connection.request.path == "/publish":
        async for message in connection:
            broadcast(viewers, message)
    else:
        viewers.add(connection)
        try:
            await connection.wait_closed()
        finally:
            viewers.discard(connection)


async def main() -> None:
    async with serve(handle, "127.0.0.1", 0, compression=None, ping_interval=None, backlog=4096) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(f"listening on 127.0.0.1:{port}", file=sys.stderr, flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main())
