"""Serves an ASGI application as it is usually served: uvicorn on uvloop and httptools, one process, no deflate."""

import socket
import sys

import uvicorn
from starlette.types import ASGIApp


def run(app: ASGIApp, ws: str = "websockets-sansio") -> None:
    """Serve on a free port, which is told on stderr, until SIGTERM."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    listening.listen(4096)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws=ws,
        ws_per_message_deflate=False,
        log_level="error",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    print(f"listening on 127.0.0.1:{listening.getsockname()[1]}", file=sys.stderr, flush=True)
    uvicorn.Server(config).run([listening])
