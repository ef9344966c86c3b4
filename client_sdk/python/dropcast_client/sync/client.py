"""The sync client: what a script or a load test uses. Behind it sync/shell.py moves the bytes, session.py decides."""

from collections.abc import Callable, Iterator, Sequence
from ssl import SSLContext
from typing import Self

from dropcast_client.backoff import Backoff
from dropcast_client.errors import Disconnected
from dropcast_client.events import Event
from dropcast_client.facts import Facts
from dropcast_client.options import (
    CALL_TIMEOUT_S,
    CONNECT_TIMEOUT_S,
    INBOX_MAX,
    MESSAGE_BYTES_MAX,
    CodecName,
    codec_of,
    urls_of,
)
from dropcast_client.parts import HoldView
from dropcast_client.session import Session
from dropcast_client.states import Phase
from dropcast_client.sync.asking import SyncAsking
from dropcast_client.sync.callbacks import OnState
from dropcast_client.sync.line import OnFrame, TokenSource
from dropcast_client.sync.shell import SyncShell
from dropcast_client.sync.subscription import OnEvent, SyncSubscription


class SyncClient(SyncAsking, Facts):
    """One viewer's connection to a dropcast server, kept up by itself, without an event loop.

        with SyncClient("ws://localhost:8000", token=token) as client:
            for event in client.watch("friday"):
                ...

    It may be used by any number of threads at once, or of greenlets under gevent (patch first). Callbacks run in
    threads of their own: they, too, may call and wait. Only `on_frame` and the token callable run in a thread
    that must not wait, and calls there raise RuntimeError. `close`, from any thread, ends every wait: iterations
    end, calls under way raise OutcomeUnknown or Disconnected. Otherwise it is as `Client` is.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        *,
        token: str | TokenSource | None = None,
        codec: CodecName = "json",
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        call_timeout_s: float = CALL_TIMEOUT_S,
        silence_s: float | None = None,
        backoff: Backoff | None = None,
        inbox_max: int = INBOX_MAX,
        message_bytes_max: int = MESSAGE_BYTES_MAX,
        ssl: SSLContext | None = None,
        on_frame: OnFrame | None = None,
    ) -> None:
        """Make a client; it connects on entering, or by `connect`. The options are those of `Client`, but that a
        token callable is a plain function. Raises ValueError."""
        chosen = codec_of(codec)
        session = Session(chosen, backoff=backoff or Backoff(), silence_s=silence_s, renews=callable(token))
        shell = SyncShell(
            session,
            chosen,
            urls=urls_of(url),
            token=token,
            ssl=ssl,
            message_bytes_max=message_bytes_max,
            inbox_max=inbox_max,
            on_frame=on_frame,
        )
        SyncAsking.__init__(self, shell, call_timeout_s)
        Facts.__init__(self, session)
        self._connect_timeout_s = connect_timeout_s

    # Connection ------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Connect, trying again until `connect_timeout_s`. Raises Disconnected; ValueError when it was called."""
        try:
            in_time = self._shell.connect(self._connect_timeout_s)
        except (ValueError, RuntimeError):
            raise
        except BaseException:  # Ctrl-C, or a gevent timeout
            self._shell.close()
            raise
        last = self.state
        if not in_time:
            self._shell.close()
            raise Disconnected(last.code, f"not connected in time; {last.reason}")
        if last.phase is Phase.DISCONNECTED:
            raise Disconnected(last.code, last.reason)

    def close(self) -> None:
        """Close for good. Iterations end; calls under way raise OutcomeUnknown or Disconnected."""
        self._shell.close()

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def on_state(self, callback: OnState) -> Callable[[], None]:
        """Call `callback(connection)` on every change of state, until the returned function is called."""
        return self._shell.on_state(callback)

    # Watching --------------------------------------------------------------------------------------------

    def subscribe(self, show: str, on_event: OnEvent | None = None) -> SyncSubscription:
        """Watch a show. Raises Disconnected.

        Events come by iteration or, with `on_event`, to that function, one after the other in a thread of its
        own. Close the subscription, or use it as a context manager.
        """
        return self._shell.subscribe(show, on_event)

    def watch(self, show: str, *, timeout_s: float | None = None) -> Iterator[Event]:
        """Iterate over a show's events: a subscription that closes when the iteration is left.

        Raises CallError (no such show, not allowed, banned), Disconnected, FellBehind, and TimeoutError when no
        event comes for `timeout_s`.
        """
        with self.subscribe(show) as subscription:
            while (event := subscription.take(timeout_s)) is not None:
                yield event

    def holds(self, show: str) -> tuple[HoldView, ...]:
        """Return the viewer's open holds in a show, as far as they are known."""
        return self._shell.holds(show)
