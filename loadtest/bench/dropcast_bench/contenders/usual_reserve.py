"""The usual way to reserve: a Starlette websocket, and one redis-py FCALL for each request.

The same engine, the same function, the same messages as ours; without limits, rooms or recovery.
"""

import sys

import msgspec
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from dropcast_bench import engine_call
from dropcast_bench.contenders import asgi

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_read = msgspec.msgpack.Decoder().decode


def make(socket_path: str, show: str) -> Starlette:
    redis = Redis(unix_socket_path=socket_path, max_connections=1_000, protocol=3)
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


if __name__ == "__main__":
    asgi.run(make(*sys.argv[1:]))
