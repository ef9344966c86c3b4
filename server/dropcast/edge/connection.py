"""A connection's first protocol: HTTP for Starlette, until an upgrade at `/v1/live` makes it a live socket.

A thin one over uvicorn's httptools protocol, which by itself has no deadline and no size limit for a request's
head, upgrades on any path, and loses what follows the handshake in the same packet.
"""

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dropcast.edge import handshake
from dropcast.edge.dispatch import Dispatch
from dropcast.edge.socket import LiveSocket
from dropcast.settings import Settings

LIVE_PATH = b"/v1/live"
_HEADER_EXTRA_BYTES = 4
"""The colon, the space and the line's end that a header has beside name and value."""


class Connection(HttpToolsProtocol):
    """Made by uvicorn for each accepted connection. `live_settings` and `dispatch` are set by `connections`."""

    live_settings: Settings
    dispatch: Dispatch

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._upgrades = False
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_done()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._upgrades:
                self._go_live(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            if not self.transport.is_closing():
                self._refuse(400, "not an HTTP request")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        self._upgrades = False
        self._await_head()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value) + _HEADER_EXTRA_BYTES)

    def on_headers_complete(self) -> None:
        self._head_done()
        if self._head_bytes > self.live_settings.header_bytes_max:
            self._refuse(431, "the request's head is too large")
            return
        self._upgrades = (
            self.parser.get_method() == b"GET"
            and httptools.parse_url(self.url).path == LIVE_PATH
            and self._get_upgrade() == b"websocket"
        )
        super().on_headers_complete()

    def _should_upgrade(self) -> bool:
        return self._upgrades

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self.live_settings.header_bytes_max:
            self._refuse(431, "the request's head is too large")

    def _await_head(self) -> None:
        self._head_done()
        deadline_s = self.live_settings.header_deadline_ms / 1000
        self._head_timer = self.loop.call_later(
            deadline_s, self._refuse, 408, "the request's head took too long"
        )

    def _head_done(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: int, text: str) -> None:
        self._head_done()
        if not self.transport.is_closing():
            self.transport.write(handshake.response(status, text))
            self.transport.close()

    def _go_live(self, rest: bytes) -> None:
        """Answer the handshake; from here on the connection is a live socket's."""
        answer = handshake.answer(self.headers)
        self.transport.write(answer.response)
        if isinstance(answer, handshake.Rejected):
            self.transport.close()
            return
        self.connections.discard(self)
        socket = LiveSocket(
            self.transport,
            answer.codec,
            self.live_settings,
            on_command=self.dispatch.on_command,
            on_lost=self.dispatch.lost,
        )
        self.dispatch.opened(socket)
        self.transport.set_protocol(socket)
        if rest:
            socket.data_received(rest)


def connections(settings: Settings, dispatch: Dispatch) -> type[Connection]:
    """Return the protocol class for uvicorn's `http` setting: uvicorn makes its instances without our parts."""
    return type("WorkerConnection", (Connection,), {"live_settings": settings, "dispatch": dispatch})
