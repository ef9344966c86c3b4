"""The line to the server: the socket of now, and for each dial a thread that opens one and reads from it.

The shell dials and hangs up with its lock held. A reader that finds that its link is no longer the line's says
nothing more to the session: it hears the other side's close, for a little while, and ends.
"""

import threading
import time
from collections.abc import Callable
from ssl import SSLContext

from dropcast_client.codec import Codec
from dropcast_client.codes import Local
from dropcast_client.frames import LINGER_S, NORMAL_CLOSE, NotOpened
from dropcast_client.redial import OPEN_S
from dropcast_client.session import Session
from dropcast_client.sync.callbacks import guarded
from dropcast_client.sync.link import Link

TokenSource = Callable[[], str]
OnFrame = Callable[[bytes, float], None]


class Line:
    """`run` carries out what the session asks, after each input."""

    def __init__(
        self,
        lock: threading.RLock,
        session: Session,
        run: Callable[[], None],
        *,
        codec: Codec,
        token: str | TokenSource | None,
        ssl: SSLContext | None,
        message_bytes_max: int,
        on_frame: OnFrame | None,
    ) -> None:
        self.token = token
        self._lock = lock
        self._session = session
        self._run = run
        self._codec = codec
        self._ssl = ssl
        self._message_bytes_max = message_bytes_max
        self._on_frame = on_frame
        self._link: Link | None = None
        self._readers: dict[threading.Thread, Link] = {}

    def is_reader(self, thread: threading.Thread) -> bool:
        return thread in self._readers

    # With the lock ---------------------------------------------------------------------------------------

    @property
    def has_backlog(self) -> bool:
        return self._link is not None and self._link.has_backlog

    def dial(self, url: str) -> None:
        link = self._link = Link(
            url,
            subprotocol=self._codec.subprotocol,
            text=self._codec.text,
            ssl=self._ssl,
            message_bytes_max=self._message_bytes_max,
        )
        thread = threading.Thread(target=self._read, args=(link,), name="dropcast reader", daemon=True)
        self._readers[thread] = link
        thread.start()

    def send(self, payload: bytes) -> None:
        if self._link is not None:
            self._link.send(payload)

    def choked(self) -> Link | None:
        """Write what a socket did not take before. Return its link when it still does not take all."""
        if self._link is None or not self._link.has_backlog:
            return None
        self._link.flush()
        return self._link if self._link.has_backlog else None

    def hang_up(self, reason: str, polite: bool) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close(NORMAL_CLOSE, reason)
            if not polite:
                link.abort()

    # Without the lock ------------------------------------------------------------------------------------

    def join(self) -> None:
        """After hanging up: wait until the readers are gone, but for one that still opens a socket."""
        with self._lock:
            readers = {thread: link for thread, link in self._readers.items() if link.is_connected}
        for thread, link in readers.items():
            if thread is threading.current_thread():
                continue
            thread.join(LINGER_S)
            if thread.is_alive():
                with self._lock:
                    link.abort()
                thread.join(LINGER_S)

    # The reader ------------------------------------------------------------------------------------------

    def _read(self, link: Link) -> None:
        """Dial, and take in what comes until the end."""
        try:
            token = self._fresh_token()
            link.connect(OPEN_S)
            with self._lock:
                link.frames.handshake()
                link.flush()
            self._listen(link, token)
        except NotOpened as fault:
            self._lost(link, fault.code, fault.reason)
        finally:
            with self._lock:
                link.dispose()
                self._lost(link, *(link.frames.end or (Local.LOST, "the socket ended")))
                del self._readers[threading.current_thread()]

    def _listen(self, link: Link, token: str | None) -> None:
        is_open = False
        close_by_s: float | None = None
        while not link.is_over:
            with self._lock:
                messages = link.receive()
                if link is not self._link:
                    close_by_s = close_by_s or time.monotonic() + LINGER_S
                elif link.frames.answered and not is_open:
                    link.frames.check()
                    is_open = True
                    self._session.opened(token, time.monotonic())
                    self._run()
            for payload in messages or ():
                self._take(link, payload)
            if messages is None:
                left_s = None if close_by_s is None else close_by_s - time.monotonic()
                if left_s is not None and left_s <= 0:
                    return
                link.wait_readable(left_s)

    def _take(self, link: Link, payload: bytes) -> None:
        now_s = time.monotonic()
        if self._on_frame is not None and link is self._link:
            guarded("on_frame", self._on_frame, payload, now_s)
        with self._lock:
            if link is self._link:
                self._session.received(payload, now_s)
                self._run()

    def _lost(self, link: Link, code: int, reason: str) -> None:
        with self._lock:
            if link is self._link:
                self._link = None
                self._session.lost(code, reason, time.monotonic())
                self._run()

    def _fresh_token(self) -> str | None:
        if not callable(self.token):
            return self.token
        try:
            return self.token()
        except Exception as error:
            raise NotOpened(Local.TOKEN, f"the token callable raised {error!r}") from error
