"""A connection's first protocol: HTTP for Starlette, until an upgrade at `/v1/live` makes it a live socket.

A thin one over uvicorn's httptools protocol, which by itself has no deadline and no size limit for a request's
head, upgrades on any path, and loses what follows the handshake in the same packet.
"""

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dropcast.edge import handshake
from dropcast.edge.gate import Gate
from dropcast.edge.handshake import Accepted
from dropcast.edge.http.requests import count_refused, request_id
from dropcast.edge.socket import CLOSE_DEADLINE_S, LiveSocket
from dropcast.wire.codes import CLOSE_REASONS, Close
from dropcast.wire.frames import close_frame

LIVE_PATH = b"/v1/live"
_HEADER_EXTRA_BYTES = 4
"""The colon, the space and the line's end that a header has beside name and value."""
_FIRST_REQUEST_S = 0.5
"""How long a stopping worker waits for the first request of a connection that it had accepted."""
_HEAD_TOO_LARGE = (431, "the request's head is too large")


class Connection(HttpToolsProtocol):
    """Made by uvicorn for each accepted connection. `gate` is set by `connections`."""

    gate: Gate

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._awaits_head = False
        self._unparsed_bytes = 0
        self._upgrades = False
        self._is_refused = False
        self._timer: asyncio.TimerHandle | None = None
        self._address = ""
        """By which it is counted; "" when it is not: a trusted proxy's connection is many clients'."""
        self._is_one_too_many = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client is not None and not self.gate.proxies.trusts(self.client[0]):
            self._count_in(self.client[0])
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        if self._address:
            self.gate.addresses.leave(self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._upgrades and not self._is_refused:
                self._go_live(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self._refuse(400, "not an HTTP request")
            return
        if self._awaits_head:
            # Of a header that has not ended yet the parser says nothing, and keeps it all.
            self._unparsed_bytes += len(data)
            if self._unparsed_bytes > self.gate.settings.header_bytes_max:
                self._refuse(*_HEAD_TOO_LARGE)
        elif self._timer is None and (self.cycle is None or self.cycle.response_complete):
            # Empty lines before a request begin none: they must not keep a connection for ever.
            self._await_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        self._upgrades = False
        if not self._awaits_head:
            self._await_head()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_refused:
            super().on_header(name, value)
            self._count(len(name) + len(value) + _HEADER_EXTRA_BYTES)

    def on_headers_complete(self) -> None:
        if self._is_refused:
            return
        self._await(self.gate.settings.body_deadline_ms, "the request's body took too long")
        self._awaits_head = False
        fault = self._fault()
        if fault is not None:
            self._refuse(*fault)
            return
        if self.client is not None:
            self.scope["client"] = (self.gate.proxies.client(self.client[0], self.headers), self.client[1])
        super().on_headers_complete()
        if not self._upgrades and (self.gate.is_draining or self.parser.should_upgrade()):
            # What follows another protocol's upgrade is not ours to parse.
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        if not self._is_refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._is_refused:
            self._stop_timer()
            super().on_message_complete()

    def shutdown(self) -> None:
        """The worker stops: end the connection, once what it has asked is answered, or it has had time to ask."""
        if not self.cycle and not self._is_refused:
            self.loop.call_later(_FIRST_REQUEST_S, super().shutdown)
        else:
            super().shutdown()

    def _fault(self) -> tuple[int, str] | None:
        """Return why the request is refused by its head alone, and note whether it asks for a live socket."""
        version = self.parser.get_http_version()
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            return 400, "a request names one host"
        self._upgrades = (
            self.parser.get_method() == b"GET"
            and httptools.parse_url(self.url).path == LIVE_PATH
            and self._get_upgrade() == b"websocket"
        )
        if self._upgrades and version != "1.1":
            return 400, "an upgrade needs HTTP/1.1"
        if self._upgrades and self.cycle is not None and not self.cycle.response_complete:
            return 400, "an upgrade must wait for the answer to the request before it"
        if self._is_one_too_many and not self._upgrades:
            return 429, CLOSE_REASONS[Close.TOO_MANY_CONNECTIONS]
        return None

    def _should_upgrade(self) -> bool:
        return self._upgrades

    def _count(self, size: int) -> None:
        self._head_bytes += size
        settings = self.gate.settings
        if self._head_bytes > settings.header_bytes_max or len(self.headers) > settings.headers_max:
            self._refuse(*_HEAD_TOO_LARGE)

    def _count_in(self, address: str) -> None:
        self._address = address
        self._is_one_too_many = not self.gate.addresses.enter(address)

    # Deadlines ---------------------------------------------------------------------------------------------

    def _await_head(self) -> None:
        self._awaits_head = True
        self._unparsed_bytes = 0
        self._await(self.gate.settings.header_deadline_ms, "the request's head took too long")

    def _await(self, deadline_ms: int, text: str) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(deadline_ms / 1000, self._refuse, 408, text)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: int, text: str) -> None:
        """Answer in place of the application, and end the connection."""
        if self._is_refused or self.transport.is_closing():
            return
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            count_refused(status)
            self.transport.write(handshake.response(status, text))
        self._linger()

    def _linger(self) -> None:
        """Hear nothing more, and leave the client time to read why: a close at once would be a reset, and lose it."""
        self._is_refused = True
        self._stop_timer()
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write_eof()
        self._timer = self.loop.call_later(CLOSE_DEADLINE_S, self.transport.abort)

    # The upgrade -------------------------------------------------------------------------------------------

    def _go_live(self, rest: bytes) -> None:
        """Answer the handshake; from here on the connection is a live socket's."""
        if self.transport.is_closing():
            return
        answer = self.gate.answer(self.headers)
        if isinstance(answer, Accepted) and not self._address and self.client is not None:
            self._count_in(self.scope["client"][0] if self.scope["client"] else self.client[0])
        request = request_id(self.headers)
        self.transport.write(handshake.with_request_id(answer.response, request))
        if not isinstance(answer, Accepted):
            self._linger()
        elif self._is_one_too_many:
            code = Close.TOO_MANY_CONNECTIONS
            self.transport.write(close_frame(code, CLOSE_REASONS[code]))
            self._linger()
        else:
            self._become_live(answer, request, rest)

    def _become_live(self, answer: Accepted, request: str, rest: bytes) -> None:
        self._stop_timer()
        self.connections.discard(self)
        socket = LiveSocket(self.transport, answer.codec, self.gate.settings, self.gate.dispatch)
        socket.request = request
        # From here on it is counted, and counted out, as a live socket.
        self.gate.dispatch.sockets.add(socket, self._address)
        self._address = ""
        self.transport.set_protocol(socket)
        if rest:
            socket.data_received(rest)


def connections(gate: Gate) -> type[Connection]:
    """Return the protocol class for uvicorn's `http` setting: uvicorn makes its instances without our parts."""
    return type("WorkerConnection", (Connection,), {"gate": gate})
