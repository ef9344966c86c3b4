"""Starlette as its pages tell: a set of websockets, and `send_text` to each.

With the argument "pings" uvicorn's heartbeat is on, by its own defaults.
"""

import sys

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from dropcast_bench.contenders import asgi

viewers: set[WebSocket] = set()


async def watch(websocket: WebSocket) -> None:
    await websocket.accept()
    viewers.add(websocket)
    try:
        async for _ in websocket.iter_text():
            pass
    finally:
        viewers.discard(websocket)


async def publish(websocket: WebSocket) -> None:
    await websocket.accept()
    async for message in websocket.iter_text():
        for viewer in list(viewers):
            await viewer.send_text(message)


app = Starlette(routes=[WebSocketRoute("/publish", publish), WebSocketRoute("/", watch)])

if __name__ == "__main__":
    asgi.run(app, ping_s=20.0 if "pings" in sys.argv else None)
