"""Serves an ASGI application as it is usually served: uvicorn on uvloop and httptools, one process, no deflate."""

import socket
import sys

import uvicorn
from starlette.types import ASGIApp


def run(app: ASGIApp, *, ping_s: float | None = 20.0) -> None:
    """Serve on a free port, which is told on stderr, until SIGTERM.

    `ping_s` is uvicorn's own default for both how often it pings and how long it waits; None: it does not ping.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    listening.listen(4096)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_ping_interval=ping_s,
        ws_ping_timeout=ping_s,
        ws_per_message_deflate=False,
        log_level="error",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    print(f"listening on 127.0.0.1:{listening.getsockname()[1]}", file=sys.stderr, flush=True)
    uvicorn.Server(config).run([listening])
