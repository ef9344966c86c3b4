"""python-socketio as its pages tell: viewers enter a room, and an event is emitted to it; by websocket alone."""

from typing import Any
from urllib.parse import parse_qs

import socketio

from dropcast_bench.contenders import asgi

_NEVER_S = 86_400

server = socketio.AsyncServer(async_mode="asgi", transports=["websocket"], ping_interval=_NEVER_S)


async def connect(sid: str, environ: dict[str, Any], auth: object = None) -> None:
    for room in parse_qs(environ["QUERY_STRING"]).get("room", []):
        await server.enter_room(sid, room)


async def announce(sid: str, text: str) -> None:
    await server.emit("announcement", text, room="show")


server.on("connect", connect)
server.on("announce", announce)

if __name__ == "__main__":
    asgi.run(socketio.ASGIApp(server), ping_s=None)
