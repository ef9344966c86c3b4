"""The client: what an application uses. Behind it shell.py moves the bytes and session.py decides."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from ssl import SSLContext
from typing import Self

from dropcast_client.asking import Asking
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
from dropcast_client.shell import OnFrame, OnState, Shell, TokenSource
from dropcast_client.states import Phase
from dropcast_client.subscription import OnEvent, Subscription


class Client(Asking, Facts):
    """One viewer's connection to a dropcast server, kept up by itself.

        async with Client("ws://localhost:8000", token=token) as client:
            async for event in client.watch("friday"):
                ...

    Calls may be made from anywhere in the loop's thread, from within an iteration or a callback too. A call
    that is under way when the connection is lost is said again, with the same key, on the next one; after its
    timeout it raises OutcomeUnknown, or Disconnected when it was never sent. The server's refusals are
    returned; its errors raise CallError.
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
        """Make a client; it connects on entering, or by `connect`.

        `url`: ws:// or wss://, the path /v1/live is added where there is none; of several, each dial takes the
        next one. `token`: text, or a callable, plain or async, that gives a fresh one for each dial; None is
        an anonymous viewer. `silence_s`: how long nothing may be heard before the connection counts as lost;
        None is 2.4 of the server's ticks. `inbox_max`: how many events may wait for an iteration before it
        raises FellBehind. `on_frame(payload, heard_at_s)` sees every message before it is decoded, with
        time.monotonic(). Raises ValueError.
        """
        chosen = codec_of(codec)
        session = Session(chosen, backoff=backoff or Backoff(), silence_s=silence_s, renews=callable(token))
        shell = Shell(
            session,
            chosen,
            urls=urls_of(url),
            token=token,
            ssl=ssl,
            message_bytes_max=message_bytes_max,
            inbox_max=inbox_max,
            on_frame=on_frame,
        )
        Asking.__init__(self, session, shell, call_timeout_s)
        Facts.__init__(self, session)
        self._connect_timeout_s = connect_timeout_s

    # Connection ------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Connect, trying again until `connect_timeout_s`. Raises Disconnected; ValueError when it was called."""
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                await self._shell.connect()
        except TimeoutError as error:
            last = self.state
            await self._shell.close()
            raise Disconnected(last.code, f"not connected in time; {last.reason}") from error
        except asyncio.CancelledError:
            await self._shell.close()
            raise
        if self.state.phase is Phase.DISCONNECTED:
            await self._shell.settle()
            raise Disconnected(self.state.code, self.state.reason)

    async def close(self) -> None:
        """Close for good. Iterations end; calls under way raise OutcomeUnknown or Disconnected."""
        await self._shell.close()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def on_state(self, callback: OnState) -> Callable[[], None]:
        """Call `callback(connection)` on every change of state, until the returned function is called."""
        return self._shell.on_state(callback)

    # Watching --------------------------------------------------------------------------------------------

    def subscribe(self, show: str, on_event: OnEvent | None = None) -> Subscription:
        """Watch a show. Raises Disconnected.

        Its `state` is kept current; events come by iteration, and to `on_event` as soon as they arrive. Close
        the subscription, or use it as an asynchronous context manager.
        """
        return self._shell.subscribe(show, on_event)

    async def watch(self, show: str) -> AsyncIterator[Event]:
        """Iterate over a show's events: a subscription that closes when the iteration is left.

        Raises CallError (no such show, not allowed), Disconnected, or FellBehind.
        """
        async with self.subscribe(show) as subscription:
            async for event in subscription:
                yield event

    def holds(self, show: str) -> tuple[HoldView, ...]:
        """Return the viewer's open holds in a show, as far as they are known."""
        return self._session.holds(show).open()
