"""A connection's first protocol: HTTP for Starlette, until an upgrade at `/v1/live` makes it a live socket.

http_answers.py and serial_http.py below it say how HTTP is spoken; here is what a connection and each of its requests
must pass: the limits by address, the rules of a request's head, and the upgrade.
"""

import asyncio
from collections.abc import Callable
from functools import partial

import httptools
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.protocols.utils import get_local_addr

from dropcast.edge import handshake
from dropcast.edge.gate import Gate
from dropcast.edge.handshake import Accepted
from dropcast.edge.http.requests import count_refused, request_id
from dropcast.edge.serial_http import SerialHttp
from dropcast.edge.socket import LiveSocket
from dropcast.metrics import counts
from dropcast.wire.codes import CLOSE_REASONS, Close
from dropcast.wire.frames import close_frame

LIVE_PATH = b"/v1/live"
_NO_ROOM = (503, "this worker has no room for another connection")
_TOO_MANY = Close.TOO_MANY_CONNECTIONS


class Connection(SerialHttp):
    """Made by uvicorn for each accepted connection. `connections` sets `gate`, and what is taken from it."""

    gate: Gate
    _upgrades = False
    _address = ""
    """By which it is counted; "" when it is not: a trusted proxy's connection is many clients'."""
    _is_one_too_many = False
    _leave: Callable[..., None] | None = None
    """Takes the request that is being answered off its address' count."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if not self.http.enter(self, transport.get_extra_info("socket").fileno()):
            count_refused(_NO_ROOM[0])
            self._ignores_input = True
            transport.write(handshake.response(*_NO_ROOM, b"retry-after: 1\r\n"))
            transport.close()
            return
        if self.client is not None and not self.gate.proxies.trusts(self.client[0]):
            self._count_in(self.client[0])
        self.await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._address:
            self.gate.addresses.leave(self._address)
        super().connection_lost(exc)

    # Requests ----------------------------------------------------------------------------------------------

    def on_headers_complete(self) -> None:
        if self._ignores_input:
            return
        fault = self._fault()
        if fault is not None:
            self._refuse(*fault)
            return
        if self.client is not None:
            self.gate.look_at_proxy(self.client[0], self.headers)
            self.scope["client"] = (self.gate.proxies.client(self.client[0], self.headers), self.client[1])
        if not self._upgrades:
            self.server = self.scope["server"] = self.server or get_local_addr(self.transport)
        super().on_headers_complete()
        if self._upgrades or self._ignores_input:
            return
        if self._is_one_too_many or self.gate.is_draining or self.parser.should_upgrade():
            # What follows another protocol's upgrade is not ours to parse.
            self.cycle.keep_alive = False

    def _begin(self, cycle: RequestResponseCycle, app: ASGIApp) -> asyncio.Task[None] | None:
        client = cycle.scope["client"]
        key = None if self._is_one_too_many else self.gate.requests.enter(client[0] if client else "")
        task = super()._begin(cycle, app if key is not None else self.gate.too_many_requests)
        self._leave = _once(partial(self.gate.requests.leave, key)) if key is not None else None
        if self._leave is not None:
            # When its task ends: a write goes on though its client is gone.
            if task is None:
                self._leave()
            else:
                task.add_done_callback(self._leave)
        return task

    def on_response_complete(self) -> None:
        # Not only when its task ends, which is later: the client may ask again as soon as it has the answer.
        if self._leave is not None:
            self._leave()
        super().on_response_complete()

    def _fault(self) -> tuple[int, str] | None:
        """Return why the request is refused by its head alone, and note whether it asks for a live socket."""
        version = self.parser.get_http_version()
        hosts = [name for name, _ in self.headers].count(b"host")
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            return 400, "a request names one host"
        self._upgrades = (
            self.parser.get_method() == b"GET"
            and httptools.parse_url(self.url).path == LIVE_PATH
            and self._get_upgrade() == b"websocket"
        )
        if self._upgrades and version != "1.1":
            return 400, "an upgrade needs HTTP/1.1"
        return None

    def _should_upgrade(self) -> bool:
        return self._upgrades

    def _count_in(self, address: str) -> None:
        self._address = address
        self._is_one_too_many = not self.gate.addresses.enter(address)

    # The upgrade -------------------------------------------------------------------------------------------

    def on_upgrade(self, rest: bytes) -> None:
        if self._upgrades and not self._ignores_input and not self.transport.is_closing():
            self._go_live(rest)

    def _go_live(self, rest: bytes) -> None:
        """Answer the handshake; from here on the connection is a live socket's."""
        answer = self.gate.answer(self.headers)
        if isinstance(answer, Accepted) and not self._address and self.client is not None:
            self._count_in(self.scope["client"][0] if self.scope["client"] else self.client[0])
        request = request_id(self.headers)
        self.transport.write(handshake.with_request_id(answer.response, request))
        if not isinstance(answer, Accepted):
            self._linger()
        elif self._is_one_too_many:
            counts.closes[str(int(_TOO_MANY))] += 1
            self.transport.write(close_frame(_TOO_MANY, CLOSE_REASONS[_TOO_MANY]))
            self._linger()
        else:
            self._become_live(answer, request, rest)

    def _become_live(self, answer: Accepted, request: str, rest: bytes) -> None:
        self._ignores_input = True
        self._stop_timers()
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        self.http.leave(self)
        socket = LiveSocket(self.transport, answer.codec, self.gate.settings, self.gate.dispatch)
        socket.request = request
        # From here on it is counted, and counted out, as a live socket.
        self.gate.dispatch.sockets.add(socket, self._address)
        self._address = ""
        self.transport.set_protocol(socket)
        self.transport.resume_reading()
        self._let_go()
        if rest:
            socket.data_received(rest)


def _once(act: Callable[[], None]) -> Callable[..., None]:
    """Return what does `act` when it is called first, whatever it is given, and nothing from then on."""
    left = [act]

    def do(*_: object) -> None:
        if left:
            left.pop()()

    return do


def connections(gate: Gate) -> type[Connection]:
    """Return the protocol class for uvicorn's `http` setting: uvicorn makes its instances without our parts."""
    parts = {"gate": gate, "settings": gate.settings, "http": gate.http}
    return type("WorkerConnection", (Connection,), parts)
