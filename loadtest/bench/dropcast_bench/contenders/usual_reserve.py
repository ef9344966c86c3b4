"""The usual way to reserve: a Starlette websocket, and one redis-py FCALL for each request.

The same engine, the same function, the same messages as ours; without limits, rooms or recovery. redis-py's pool
refuses what comes while all its connections are in use; with the argument "waits" it is the pool that waits, which is
what a crowd needs and what costs each request a little more.
"""

import sys

import msgspec
from redis.asyncio import BlockingConnectionPool, Redis, UnixDomainSocketConnection
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from dropcast_bench import engine_call
from dropcast_bench.contenders import asgi

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_read = msgspec.msgpack.Decoder().decode


_CONNECTIONS = 1_000


def make(socket_path: str, show: str, pool: str = "refuses") -> Starlette:
    redis = _patient(socket_path) if pool == "waits" else _impatient(socket_path)
    keys = engine_call.keys(show)

    async def live(websocket: WebSocket) -> None:
        await websocket.accept()
        viewer = websocket.query_params["viewer"]
        try:
            while True:
                asked = _decode(await websocket.receive_text())
                packed = engine_call.trade(f"{viewer}-{asked['key']}", viewer, asked["drop"], asked["sku"])
                raw = await redis.fcall(engine_call.FUNCTION, len(keys), *keys, packed, engine_call.HOLDS_MAX)
                _, ((kind, *rest),) = _read(raw)
                told = {
                    "type": "held" if kind == "granted" else "refused",
                    "re": asked["id"],
                    "hold": rest[0][0],
                }
                await websocket.send_text(_encode(told).decode())
        except WebSocketDisconnect:
            return

    return Starlette(routes=[WebSocketRoute("/live", live)])


def _impatient(socket_path: str) -> Redis:
    return Redis(unix_socket_path=socket_path, max_connections=_CONNECTIONS, protocol=3)


def _patient(socket_path: str) -> Redis:
    return Redis(
        connection_pool=BlockingConnectionPool(
            connection_class=UnixDomainSocketConnection,
            path=socket_path,
            max_connections=_CONNECTIONS,
            timeout=None,
            protocol=3,
        )
    )


if __name__ == "__main__":
    asgi.run(make(*sys.argv[1:]))
