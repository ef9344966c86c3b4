"""The parsing half of an HTTP connection: one request at a time, the next one when this one is answered and read.

uvicorn itself parses all that it is sent and keeps any number of requests waiting. Here what a client sends ahead waits
as bytes, within `pipelined_bytes_max`, and the connection is not read meanwhile. A client that ends its half is
answered all the same. The other half is http_answers.py; connection.py is what uvicorn makes.
"""

import httptools

from dropcast.edge.http_answers import HttpAnswers
from dropcast.metrics import counts

_DISCARDED_BYTES_MAX = 65_536
"""What is read of a body that nobody wants any more, before the connection is ended instead."""
_HEAD_TOO_LARGE = (431, "the request's head is too large")
_NO_REQUEST = (400, "not an HTTP request")


class SerialHttp(HttpAnswers):
    """See the module."""

    _awaits_head = False
    _overhead_bytes = 0
    """Of a chunked body: what was not content."""
    _discarded_bytes = 0
    _is_parse_due = False

    # What comes --------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._ignores_input:
            return
        self._unset_keepalive_if_required()
        if self._in_head and not self._awaits_head:
            self.await_head()
        self._input.add(data)
        if not self._is_parse_due:
            self._parse()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client says no more; what it has asked for is answered."""
        self._is_half_closed = True
        if self._ignores_input or self.transport.is_closing():
            return False
        if self._in_head and not self._head_bytes and not self._input.size:
            return False
        self._after_parsing()
        return True

    def parse_soon(self) -> None:
        if not self._is_parse_due:
            self._is_parse_due = True
            self.loop.call_soon(self._parse)

    def go_on(self) -> None:
        if self._ignores_input or self._in_head or self._in_body or self.flow.write_paused:
            return
        if self.is_under_way or self.transport.is_closing():
            return
        self._in_head = True
        self._awaits_head = False
        self._head_bytes = self._overhead_bytes = self._discarded_bytes = 0
        self.http.rests(self)
        if self._input.size:
            self.await_head()
            self.parse_soon()
        elif self._is_half_closed:
            self.transport.close()
        else:
            rest_s = self.settings.keepalive_ms / 1000
            self.timeout_keep_alive_task = self.loop.call_later(rest_s, self.timeout_keep_alive_handler)
            self.transport.resume_reading()

    def await_head(self) -> None:
        """From now on the head of a request must come within its deadline."""
        self._awaits_head = True
        self._await(self.settings.header_deadline_ms, "the request's head took too long")

    def _await_body(self) -> None:
        """The head has come, and the body has not come with it: from now on it must come within its deadline."""
        self.http.receives(self)
        self._await(self.settings.body_deadline_ms, "the request's body took too long")

    # Parsing -----------------------------------------------------------------------------------------------

    def _parse(self) -> None:
        self._is_parse_due = False
        turns = self.http.turns
        while self._input.size and self._may_parse():
            if not turns.may_parse:
                self._is_parse_due = True
                turns.parse_later(self._parse)
                break
            turns.parsed(self._feed(self._input.next()))
        self._after_parsing()

    def _may_parse(self) -> bool:
        if self._ignores_input or self.transport.is_closing():
            return False
        return self._in_head or (self._in_body and not self.flow.read_paused)

    def _feed(self, piece: bytes) -> int:
        """Give a piece to the parser; return how much of the turn's share that was: headers and chunks cost calls."""
        counted = len(piece) if self._in_head or not self._input.has_length else 0
        if self._in_head:
            self._head_bytes += counted
            if self._head_bytes > self.settings.header_bytes_max:
                self._refuse(*_HEAD_TOO_LARGE)
                return 0
        else:
            self._overhead_bytes += counted
            if not self.is_under_way:
                self._discard(len(piece))
        try:
            if self.parser is not None:
                self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            self.on_upgrade(piece[upgrade.args[0] :] + self._input.take_all())
        except httptools.HttpParserError:
            self._refuse(*_NO_REQUEST)
        if self._in_body and self._timer is None and not self._ignores_input:
            self._await_body()
        if self._overhead_bytes > self.settings.body_overhead_bytes_max:
            self._overhead_bytes = 0
            counts.limited["body_overhead_bytes_max"] += 1
            self._refuse(413, "the body's chunks have too much beside their content")
        return counted

    def _discard(self, size: int) -> None:
        """Count what comes of a body whose request is answered already."""
        self._discarded_bytes += size
        if self._discarded_bytes > _DISCARDED_BYTES_MAX:
            self._linger()

    def _after_parsing(self) -> None:
        """Read on unless something waits that was read; what waits has a limit."""
        if self._ignores_input or self.transport.is_closing():
            return
        waiting = self._input.size
        if not self._in_head and not self._in_body and waiting > self.settings.pipelined_bytes_max:
            counts.limited["pipelined_bytes_max"] += 1
            self._end_after_this_answer()
        elif self._is_half_closed:
            if not waiting:
                self._end_half_closed()
        elif waiting or (self._in_body and self.flow.read_paused):
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _end_after_this_answer(self) -> None:
        """Forget what waits; the request that is being answered is the last."""
        self._input.take_all()
        self._ignores_input = True
        if self.is_under_way:
            self.cycle.keep_alive = False
        else:
            self._linger()

    def _end_half_closed(self) -> None:
        if self._in_head or self._in_body:
            self._refuse(400, "the request ended early")
        elif self.is_under_way:
            self.cycle.keep_alive = False

    def on_upgrade(self, rest: bytes) -> None:
        """The request asked for another protocol; `rest` came behind its head."""

    # Parser callbacks --------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if not self._in_head:
            # It cannot come to this, since pieces end where requests end.
            self._refuse(*_NO_REQUEST)
            return
        super().on_message_begin()
        if not self._awaits_head:
            self.await_head()

    def on_url(self, url: bytes) -> None:
        if not self._ignores_input:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        # A trailer is overhead of a chunked body: it must not pass for a header.
        if self._in_head and not self._ignores_input:
            # What uvicorn does, without another call for each header.
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value))
            if len(self.headers) > self.settings.headers_max:
                self._refuse(*_HEAD_TOO_LARGE)

    def on_headers_complete(self) -> None:
        if self._ignores_input:
            return
        # The parser refuses a second one, and what is no number.
        given = dict(self.headers).get(b"content-length")
        length = int(given) if given is not None else None
        if length is not None and length > self.settings.body_bytes_max:
            counts.errors["too_large"] += 1
            self._refuse(413, f"a body has {self.settings.body_bytes_max} bytes at most")
            return
        super().on_headers_complete()
        self._in_head, self._in_body = False, True
        self._awaits_head = False
        self._stop_timer()
        self._input.begin_body(length)

    def on_body(self, body: bytes) -> None:
        if not self._ignores_input:
            if not self._input.has_length:
                self._overhead_bytes -= len(body)
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._ignores_input:
            self._stop_timer()
            self._in_body = False
            self._input.begin_head()
            if not self._should_upgrade():
                self.http.works(self)
                super().on_message_complete()
                self.go_on()
