"""The asyncio shell around one session: sockets, one timer, tasks that wait for answers, and consumers.

Everything happens in plain function calls: bytes arrive -> session -> actions -> queues, futures, bytes. The
one task of the shell dials. Nothing here waits for a consumer, so whatever a consumer does, calls included,
cannot hold up the socket.
"""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Sequence
from ssl import SSLContext
from typing import Any

from dropcast_client.actions import Action, Change, Dial, End, Hand, HangUp, Resolve, Send
from dropcast_client.codec import Codec
from dropcast_client.codes import Local
from dropcast_client.commands import Command
from dropcast_client.errors import DropcastError
from dropcast_client.events import Unknown
from dropcast_client.follow import NEVER
from dropcast_client.messages import Reply
from dropcast_client.session import Session
from dropcast_client.states import Connection, Phase
from dropcast_client.subscription import OnEvent, Subscription
from dropcast_client.websocket import NotOpened, WebSocket, open_websocket

NORMAL_CLOSE = 1000

TokenSource = Callable[[], str | Awaitable[str]]
OnFrame = Callable[[bytes, float], None]
OnState = Callable[[Connection], None]


class Shell:
    """`urls`: each dial takes the next one. The clock is time.monotonic, in seconds."""

    def __init__(
        self,
        session: Session,
        codec: Codec,
        *,
        urls: Sequence[str],
        token: str | TokenSource | None,
        ssl: SSLContext | None,
        message_bytes_max: int,
        inbox_max: int,
        on_frame: OnFrame | None,
    ) -> None:
        self.session = session
        self._codec = codec
        self._urls = urls
        self._token = token
        self._ssl = ssl
        self._message_bytes_max = message_bytes_max
        self._inbox_max = inbox_max
        self._on_frame = on_frame
        self._socket: WebSocket | None = None
        self._leaving: set[WebSocket] = set()
        self._dialling: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_s = NEVER
        self._running = False
        self._calls: dict[int, asyncio.Future[Reply | Unknown]] = {}
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._state_callbacks: list[OnState] = []
        self._state_waiters: list[asyncio.Future[None]] = []

    # The client's side -----------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Connect and wait until connected, or until it is clear that it will not be."""
        self.session.connect(time.monotonic())
        self.run()
        while self.session.connection.phase is Phase.CONNECTING:
            waiter = asyncio.get_running_loop().create_future()
            self._state_waiters.append(waiter)
            await waiter

    async def close(self) -> None:
        """Close and wait until every socket is gone."""
        self.session.close()
        self.run()
        await self.settle()

    async def settle(self) -> None:
        """After the session has ended: wait until every socket is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._timer_at_s = None, NEVER
        waited_for: list[asyncio.Future[None]] = [socket.gone for socket in self._leaving]
        if self._dialling is not None and self._dialling is not asyncio.current_task():
            waited_for.append(self._dialling)
        if waited_for:
            await asyncio.wait(waited_for)

    async def call(self, command: Command, timeout_s: float) -> Reply | Unknown:
        """Say a command and return its reply. Raises CallError, OutcomeUnknown or Disconnected."""
        future: asyncio.Future[Reply | Unknown] = asyncio.get_running_loop().create_future()
        self._calls[command.id] = future
        try:
            self.session.call(command, time.monotonic(), timeout_s)
            self.run()
            return await future
        finally:
            if self._calls.pop(command.id, None) is not None:
                self.session.forget(command.id)

    def subscribe(self, show: str, on_event: OnEvent | None) -> Subscription:
        follow = self.session.watch(show, time.monotonic())
        subscription = Subscription(follow, self._inbox_max, on_event, self._leave)
        self._subscriptions.setdefault(show, []).append(subscription)
        self._guarded("on_event", subscription.begin)
        self.run()
        return subscription

    def keep_token(self, token: str) -> None:
        """Use this token on later dials, unless the application gives a fresh one for each."""
        if not callable(self._token):
            self._token = token

    def on_state(self, callback: OnState) -> Callable[[], None]:
        self._state_callbacks.append(callback)

        def remove() -> None:
            if callback in self._state_callbacks:
                self._state_callbacks.remove(callback)

        return remove

    def _leave(self, subscription: Subscription) -> None:
        subscriptions = self._subscriptions.get(subscription.show, [])
        if subscription in subscriptions:
            subscriptions.remove(subscription)
            if not subscriptions:
                del self._subscriptions[subscription.show]
                self.session.leave(subscription.show)
                self.run()

    # The socket's side -----------------------------------------------------------------------------------

    async def _dial(self, url: str) -> None:
        try:
            token = await self._fresh_token()
        except Exception as error:
            self._not_opened(Local.TOKEN, f"the token callable raised {error!r}")
            return
        try:
            socket = await open_websocket(
                url,
                subprotocol=self._codec.subprotocol,
                text=self._codec.text,
                ssl=self._ssl,
                message_bytes_max=self._message_bytes_max,
                on_message=self._on_message,
                on_lost=self._on_lost,
            )
        except NotOpened as fault:
            self._not_opened(fault.code, fault.reason)
            return
        self._dialling = None
        self._socket = socket
        self.session.opened(token, time.monotonic())
        self.run()

    async def _fresh_token(self) -> str | None:
        if not callable(self._token):
            return self._token
        token = self._token()
        return await token if inspect.isawaitable(token) else token

    def _not_opened(self, code: int, reason: str) -> None:
        self._dialling = None
        self.session.lost(code, reason, time.monotonic())
        self.run()

    def _on_message(self, socket: WebSocket, payload: bytes) -> None:
        if socket is not self._socket:
            return
        now_s = time.monotonic()
        if self._on_frame is not None:
            self._guarded("on_frame", self._on_frame, payload, now_s)
        self.session.received(payload, now_s)
        self.run()

    def _on_lost(self, socket: WebSocket, code: int, reason: str) -> None:
        if socket is self._socket:
            self._let_go()
            self.session.lost(code, reason, time.monotonic())
            self.run()

    def _let_go(self) -> WebSocket | None:
        socket, self._socket = self._socket, None
        if socket is not None and not socket.gone.done():
            self._leaving.add(socket)
            socket.gone.add_done_callback(lambda _: self._leaving.discard(socket))
        return socket

    # The session's side ----------------------------------------------------------------------------------

    def run(self) -> None:
        """Carry out what the session asks. Called again from inside, it leaves that to the call under way."""
        if self._running:
            return
        self._running = True
        try:
            while actions := self.session.take():
                for action in actions:
                    self._carry_out(action)
        finally:
            self._running = False
        wake_at_s = self.session.wake_at_s
        if wake_at_s < self._timer_at_s:
            self._arm(wake_at_s)

    def _carry_out(self, action: Action) -> None:
        match action:
            case Hand(show, event):
                for subscription in tuple(self._subscriptions.get(show, ())):
                    self._guarded("on_event", subscription.hand, event)
            case Send(payload):
                if self._socket is not None:
                    self._socket.send(payload)
            case Resolve(call, answer):
                self._resolve(call, answer)
            case Change(connection):
                for callback in tuple(self._state_callbacks):
                    self._guarded("on_state", callback, connection)
                waiters, self._state_waiters = self._state_waiters, []
                for waiter in waiters:
                    if not waiter.done():
                        waiter.set_result(None)
            case Dial(attempt):
                url = self._urls[attempt % len(self._urls)]
                self._dialling = asyncio.get_running_loop().create_task(self._dial(url))
            case HangUp(reason, polite):
                self._hang_up(reason, polite)
            case End(show, error):
                for subscription in self._subscriptions.pop(show, ()):
                    subscription.end(error)

    def _resolve(self, call: int, answer: Reply | Unknown | DropcastError) -> None:
        future = self._calls.pop(call, None)
        if future is None or future.done():
            return
        if isinstance(answer, DropcastError):
            future.set_exception(answer)
        else:
            future.set_result(answer)

    def _hang_up(self, reason: str, polite: bool) -> None:
        if self._dialling is not None and self._dialling is not asyncio.current_task():
            self._dialling.cancel()
        socket = self._let_go()
        if socket is not None:
            socket.close(NORMAL_CLOSE, reason)
            if not polite:
                socket.abort()

    def _arm(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at_s = at_s
        delay_s = max(0.0, at_s - time.monotonic())
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer, self._timer_at_s = None, NEVER
        self.session.tick(time.monotonic())
        self.run()

    def _guarded(self, name: str, callback: Callable[..., None], *arguments: Any) -> None:
        """Call a function of the application; what it raises goes to the loop's exception handler."""
        try:
            callback(*arguments)
        except Exception as error:
            context = {"message": f"{name} of a dropcast client raised", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
