"""The answering half of an HTTP connection: how answers leave, and how the connection ends.

A thin class over uvicorn's httptools protocol. uvicorn itself waits without end for a client that takes nothing of its
answer, and finishes what nobody can read any more. Here such a client is cut off, and one that is gone has its read
cancelled, but never a write that it asked for. serial_http.py is the half that parses, connection.py what we serve.
"""

import asyncio
from functools import partial
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import get_remote_addr, is_ssl

from dropcast.edge import handshake
from dropcast.edge.http.requests import count_refused
from dropcast.edge.http_connections import HttpConnections
from dropcast.edge.http_pieces import Pieces
from dropcast.edge.socket import CLOSE_DEADLINE_S
from dropcast.metrics import counts
from dropcast.settings import Settings

_TAKEN_BYTES_MIN = 4_096
"""What a client must take of its answer within `answer_stall_ms`."""
_FIRST_REQUEST_S = 0.5
"""How long a stopping worker waits for the first request of a connection that it had accepted."""
_READS = frozenset(("GET", "HEAD"))


class _Flow(FlowControl):
    """Says when the application wants more of a body; the connection knows whether anything must be read for it."""

    def __init__(self, connection: "HttpAnswers") -> None:
        super().__init__(connection.transport)
        self._parse_soon = connection.parse_soon

    def pause_reading(self) -> None:
        self.read_paused = True

    def resume_reading(self) -> None:
        if self.read_paused:
            self.read_paused = False
            self._parse_soon()


class _AnswerTransport:
    """What a request's answer is written to: the connection's transport, which is closed with care."""

    def __init__(self, connection: "HttpAnswers") -> None:
        self.write = connection.transport.write
        self.is_closing = connection.transport.is_closing
        self.close = connection.end_after_answer


class HttpAnswers(HttpToolsProtocol):
    """See the module. `settings` and `http` are set by the subclass that uvicorn makes its instances of."""

    settings: Settings
    http: HttpConnections

    # How each connection begins. The class has it, since one that becomes a live socket at once changes little of it.
    _in_head = True
    """Whether the head of a request may be parsed: none is being answered."""
    _in_body = False
    _head_bytes = 0
    _ignores_input = False
    _is_half_closed = False
    _timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _unread_bytes = 0
    _read: asyncio.Task[None] | None = None
    """The task of the request that is being answered, when it only reads."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._input = Pieces()

    @property
    def is_under_way(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def parse_soon(self) -> None:
        """Go on parsing in the next turn of the loop."""
        raise NotImplementedError

    def go_on(self) -> None:
        """Turn to the next request when this one has come whole, is answered, and the answer is sent."""
        raise NotImplementedError

    # The connection ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # As uvicorn's own, but for a flow control of ours, and `server`, which requests look up when they need it.
        self.connections.add(self)
        self.transport = transport
        self.client = get_remote_addr(transport)
        self.scheme = "https" if is_ssl(transport) else "http"
        self.flow = _Flow(self)
        # What the kernel does not take is known at once: see pause_writing.
        transport.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ignores_input = True
        self._stop_timers()
        self._input.take_all()
        self._unset_keepalive_if_required()
        self.http.leave(self)
        self._abandon()
        super().connection_lost(exc)
        self._let_go()

    def _let_go(self) -> None:
        """Let go of what leads back here, so that the connection is freed at once, without the collector."""
        self.cycle = self.flow = self.parser = None  # type: ignore[assignment]

    # Answers -----------------------------------------------------------------------------------------------

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]
        cycle.transport = _AnswerTransport(self)  # type: ignore[assignment]
        self.http.turns.begin(partial(self._begin, cycle, app))

    def _begin(self, cycle: RequestResponseCycle, app: ASGIApp) -> asyncio.Task[None] | None:
        """Have `app` answer. Return the task; None when there is nobody any more to answer to."""
        if cycle.disconnected or self.parser is None:
            return None
        served = partial(_serve_unless_gone, cycle, app)
        task = self.loop.create_task(cycle.run_asgi(served))
        self._read = task if cycle.scope["method"] in _READS else None
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._read = None
        if self._in_body and not self._input.has_length and not self._ignores_input:
            # What is left of a chunked body has no end in sight, and each chunk costs a call.
            self._linger()
        self.flow.resume_reading()
        self.go_on()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread_bytes = self.transport.get_write_buffer_size()
        self._watch_for_stall()
        self.http.waits_to_be_read(self, self._unread_bytes)

    def resume_writing(self) -> None:
        self._stop_stall_timer()
        self.http.all_read(self)
        super().resume_writing()
        if self._ignores_input and not self.is_under_way:
            self._wait_for_end()
        else:
            self.go_on()

    def _watch_for_stall(self) -> None:
        self._stop_stall_timer()
        stall_s = self.settings.answer_stall_ms / 1000
        self._stall_timer = self.loop.call_later(stall_s, self._end_if_stalled)

    def _end_if_stalled(self) -> None:
        left = self.transport.get_write_buffer_size()
        if self._unread_bytes - left < _TAKEN_BYTES_MIN:
            counts.limited["answer_stall_ms"] += 1
            self.transport.abort()
        else:
            self._unread_bytes = left
            self._watch_for_stall()

    def _abandon(self) -> None:
        """Nobody can read the answer any more: a read is cancelled, a write goes on."""
        if self.is_under_way:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self._read is not None:
                self._read.cancel()

    # Ends --------------------------------------------------------------------------------------------------

    def end_after_answer(self) -> None:
        """The answer that is written now was the last."""
        if not self._is_half_closed and (self._in_body or self._input.size or self._ignores_input):
            self._linger()
        else:
            self.transport.close()

    def _refuse(self, status: int, text: str) -> None:
        """Answer in place of the application, and end the connection."""
        if self._ignores_input or self.transport.is_closing():
            return
        if self._in_head or self.cycle is None or not self.cycle.response_started:
            count_refused(status)
            self.transport.write(handshake.response(status, text))
        self._linger()

    def _linger(self) -> None:
        """Hear nothing more, and leave the client time to read why: a close at once would be a reset, and lose it."""
        self._ignores_input = True
        self._in_head = False
        self._stop_timer()
        self._unset_keepalive_if_required()
        self._input.take_all()
        self._abandon()
        self.http.ends(self)
        if self.transport.is_closing():
            return
        if self._is_half_closed:
            self.transport.close()
            return
        self.transport.write_eof()
        self.transport.resume_reading()
        if not self.flow.write_paused:
            self._wait_for_end()

    def _wait_for_end(self) -> None:
        """All is sent: the client has a moment to read it and to close."""
        self._stop_timer()
        self._timer = self.loop.call_later(CLOSE_DEADLINE_S, self.transport.abort)

    def give_way(self) -> None:
        """End at once, for a newcomer."""
        if self._ignores_input or self.is_under_way or self.flow.write_paused:
            self.transport.abort()
        else:
            self.transport.close()

    def cut_off(self) -> None:
        """End at once, and lose what was not sent."""
        self.transport.abort()

    def begin_drain(self) -> None:
        """The worker stops: end once what is asked is answered, or there was time to ask."""
        if self.is_under_way:
            self.cycle.keep_alive = False
        elif self.cycle is None or self._head_bytes or self._input.size:
            self.loop.call_later(_FIRST_REQUEST_S, self._close_unless_asked)
        else:
            self.transport.close()

    def shutdown(self) -> None:
        self.begin_drain()

    def _close_unless_asked(self) -> None:
        if not self.is_under_way and not self._ignores_input:
            self.transport.close()

    # Time --------------------------------------------------------------------------------------------------

    def _await(self, deadline_ms: int, text: str) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(deadline_ms / 1000, self._refuse, 408, text)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _stop_timers(self) -> None:
        self._stop_timer()
        self._stop_stall_timer()


async def _serve_unless_gone(
    cycle: RequestResponseCycle, app: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    """Have `app` answer; that it is cancelled when the client is gone is no error."""
    try:
        await app(scope, receive, send)
    except asyncio.CancelledError:
        if not cycle.disconnected:
            raise
