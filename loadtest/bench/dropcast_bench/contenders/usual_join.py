"""The usual way to join a show: a Starlette websocket, PyJWT for the token, and one redis-py GET of the state.

The state is what ours would have sent, encoded, under the one key that all read. Without limits, rooms or recovery.
"""

import sys

import jwt
import msgspec
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from dropcast_bench.contenders import asgi
from dropcast_bench.tokens import AUDIENCE, ISSUER, SECRET

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def make(socket_path: str, key: str) -> Starlette:
    redis = Redis(unix_socket_path=socket_path, max_connections=1_000, protocol=3)

    async def live(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                asked = _decode(await websocket.receive_text())
                told = {"re": asked["id"]}
                if asked["type"] == "hello":
                    claims = jwt.decode(asked["token"], SECRET, ["HS256"], audience=AUDIENCE, issuer=ISSUER)
                    told |= {"type": "welcome", "viewer": claims["sub"], "role": claims["role"]}
                else:
                    state = await redis.get(key)
                    assert isinstance(state, bytes)
                    told |= {"type": "watching", "show": asked["show"], "state": msgspec.Raw(state)}
                await websocket.send_text(_encode(told).decode())
        except WebSocketDisconnect:
            return

    return Starlette(routes=[WebSocketRoute("/live", live)])


if __name__ == "__main__":
    asgi.run(make(*sys.argv[1:]), ping_s=None)
