"""The threaded shell around one session: one lock, a thread that reads for each dial, a thread that keeps time.

Whatever touches the session holds the lock, and nothing blocks while it does: sockets are non-blocking, and
callbacks of the application run in threads of their own (callbacks.py). So a call may be made from any thread but
the two of the shell, and whoever waits, waits on a condition of the same lock.
"""

import threading
import time
from collections.abc import Callable, Sequence
from ssl import SSLContext

from dropcast_client.actions import Action, Change, Dial, End, Hand, HangUp, Resolve, Send
from dropcast_client.clock import NEVER
from dropcast_client.codec import Codec
from dropcast_client.commands import Command
from dropcast_client.errors import DropcastError
from dropcast_client.events import Unknown
from dropcast_client.frames import LINGER_S
from dropcast_client.messages import Reply
from dropcast_client.parts import HoldView
from dropcast_client.session import Session
from dropcast_client.states import Phase
from dropcast_client.sync.callbacks import OnState, StateTeller, tell_events
from dropcast_client.sync.line import Line, OnFrame, TokenSource
from dropcast_client.sync.subscription import OnEvent, SyncSubscription
from dropcast_client.sync.waiting import wait_on

_CHOKED_S = 1.0
"""How long the keeper waits for a socket to take more before it looks at the time again."""


class _Pending:
    """A call that waits for its answer."""

    def __init__(self, lock: threading.RLock) -> None:
        self.news = threading.Condition(lock)
        self.answer: Reply | Unknown | DropcastError | None = None


class SyncShell:
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
        self.lock = threading.RLock()
        self._urls = urls
        self._inbox_max = inbox_max
        self._line = Line(
            self.lock,
            session,
            self.run,
            codec=codec,
            token=token,
            ssl=ssl,
            message_bytes_max=message_bytes_max,
            on_frame=on_frame,
        )
        self._running = False
        self._keeper: threading.Thread | None = None
        self._keeper_news = threading.Condition(self.lock)
        self._keeper_until_s = NEVER
        self._state_news = threading.Condition(self.lock)
        self._teller = StateTeller(self.lock)
        self._calls: dict[int, _Pending] = {}
        self._subscriptions: dict[str, list[SyncSubscription]] = {}

    # The client's side -----------------------------------------------------------------------------------

    def next_id(self) -> int:
        with self.lock:
            return self.session.next_id()

    def connect(self, timeout_s: float) -> bool:
        """Connect and wait until connected, or until it is clear that it will not be. False: not in time."""
        self.check_may_wait()
        by_s = time.monotonic() + timeout_s
        with self.lock:
            self.session.connect(time.monotonic())
            self.run()
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, name="dropcast keeper", daemon=True)
                self._keeper.start()
            while self.session.connection.phase is Phase.CONNECTING:
                if not wait_on(self._state_news, by_s):
                    return False
            return True

    def close(self) -> None:
        """Close, and wait until the shell's threads are gone, but for one that still opens a socket."""
        with self.lock:
            self.session.close()
            self.run()
            keeper = self._keeper
        self._line.join()
        if keeper is not None:
            keeper.join(LINGER_S)

    def call(self, command: Command, timeout_s: float) -> Reply | Unknown:
        """Say a command and return its reply. Raises CallError, OutcomeUnknown or Disconnected."""
        self.check_may_wait()
        now_s = time.monotonic()
        with self.lock:
            pending = self._calls[command.id] = _Pending(self.lock)
            try:
                self.session.call(command, now_s, timeout_s)
                self.run()
                while pending.answer is None:
                    if not wait_on(pending.news, now_s + timeout_s):
                        self.session.tick(time.monotonic())
                        self.run()
            finally:
                if self._calls.pop(command.id, None) is not None:
                    self.session.forget(command.id)
        if isinstance(pending.answer, DropcastError):
            raise pending.answer
        return pending.answer

    def subscribe(self, show: str, on_event: OnEvent | None) -> SyncSubscription:
        with self.lock:
            follow = self.session.watch(show, time.monotonic())
            subscription = SyncSubscription(
                follow, self.lock, self._inbox_max, self.check_may_wait, self._leave
            )
            self._subscriptions.setdefault(show, []).append(subscription)
            if on_event is not None:
                subscription.begin()
            self.run()
        if on_event is not None:
            name = f"dropcast events of {show}"
            threading.Thread(
                target=tell_events, args=(subscription, on_event), name=name, daemon=True
            ).start()
        return subscription

    def holds(self, show: str) -> tuple[HoldView, ...]:
        with self.lock:
            return self.session.holds(show).open()

    def keep_token(self, token: str) -> None:
        """Use this token on later dials, unless the application gives a fresh one for each."""
        if not callable(self._line.token):
            self._line.token = token

    def on_state(self, callback: OnState) -> Callable[[], None]:
        return self._teller.add(callback)

    def check_may_wait(self) -> None:
        """Raises RuntimeError in the shell's own threads, where a wait would wait for itself."""
        if self._line.is_reader(threading.current_thread()):
            raise RuntimeError("on_frame and the token callable must not wait for the client that calls them")

    def _leave(self, subscription: SyncSubscription) -> None:
        subscriptions = self._subscriptions.get(subscription.show, [])
        if subscription in subscriptions:
            subscriptions.remove(subscription)
            if not subscriptions:
                del self._subscriptions[subscription.show]
                self.session.leave(subscription.show, time.monotonic())
                self.run()

    # The session's side, with the lock -------------------------------------------------------------------

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
        if self.session.wake_at_s < self._keeper_until_s or self._line.has_backlog:
            self._keeper_news.notify_all()

    def _carry_out(self, action: Action) -> None:
        match action:
            case Hand(show, event):
                for subscription in self._subscriptions.get(show, ()):
                    subscription.hand(event)
            case Send(payload):
                self._line.send(payload)
            case Resolve(call, answer):
                if (pending := self._calls.pop(call, None)) is not None:
                    pending.answer = answer
                    pending.news.notify_all()
            case Change(connection):
                self._teller.tell(connection)
                self._state_news.notify_all()
                self._keeper_news.notify_all()
            case Dial(attempt):
                self._line.dial(self._urls[attempt % len(self._urls)])
            case HangUp(reason, polite):
                self._line.hang_up(reason, polite)
            case End(show, error):
                for subscription in self._subscriptions.pop(show, ()):
                    subscription.end(error)

    # The keeper: one while there is a connection or one is to come ---------------------------------------

    def _keep(self) -> None:
        """Tick when the session wants it, and write what a socket did not take at once."""
        while True:
            with self.lock:
                if self.session.connection.phase is Phase.DISCONNECTED:
                    self._keeper = None
                    return
                now_s = time.monotonic()
                self._keeper_until_s = self.session.wake_at_s
                choked = self._line.choked()
                if now_s >= self._keeper_until_s:
                    self.session.tick(now_s)
                    self.run()
                elif choked is None:
                    wait_on(self._keeper_news, self._keeper_until_s)
            if choked is not None:
                choked.wait_writable(min(_CHOKED_S, max(0.0, self._keeper_until_s - now_s)))
