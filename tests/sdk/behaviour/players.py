"""The two shells behind one face, so that one scenario is played by both: everything here waits."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Protocol

from dropcast_client import (
    Backoff,
    Client,
    Connection,
    DropcastError,
    Event,
    HoldView,
    ShowState,
    Subscription,
    SyncClient,
    SyncSubscription,
)

QUICK = Backoff(0.001, 0.005)
SOON_S = 5.0

OnEvent = Callable[[Event], None]


class View(Protocol):
    """A subscription."""

    @property
    def state(self) -> ShowState | None: ...
    @property
    def holds(self) -> tuple[HoldView, ...]: ...
    @property
    def error(self) -> DropcastError | None: ...
    def ready(self) -> ShowState: ...
    def take(self, timeout_s: float = SOON_S) -> Event | None: ...
    def wait_ended(self) -> DropcastError | None: ...
    def close(self) -> None: ...


class Player(Protocol):
    """A client. `ask` makes one of its calls by name and waits; `begin` makes one and does not."""

    @property
    def changes(self) -> list[Connection]: ...
    @property
    def client(self) -> Client | SyncClient: ...
    def connect(self) -> None: ...
    def close(self) -> None: ...
    def subscribe(self, show: str, on_event: OnEvent | None = None) -> View: ...
    def ask(self, call: str, **fields: Any) -> Any: ...
    def begin(self, call: str, **fields: Any) -> "Promise": ...
    def from_callback(self, call: str, **fields: Any) -> None: ...


class Promise:
    """What a call that was begun comes to."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._answer: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._answer = self._work()
        except DropcastError as error:
            self._error = error

    def result(self) -> Any:
        self._thread.join(SOON_S)
        assert not self._thread.is_alive(), "the call has no answer"
        if self._error is not None:
            raise self._error
        return self._answer


class SyncPlayer:
    def __init__(self, url: str | list[str], **options: Any) -> None:
        self.client = SyncClient(url, **{"backoff": QUICK, **options})
        self.changes: list[Connection] = []
        self.client.on_state(self.changes.append)

    def connect(self) -> None:
        self.client.connect()

    def close(self) -> None:
        self.client.close()

    def subscribe(self, show: str, on_event: OnEvent | None = None) -> "SyncView":
        return SyncView(self.client.subscribe(show, on_event))

    def ask(self, call: str, **fields: Any) -> Any:
        return getattr(self.client, call)(**fields)

    def begin(self, call: str, **fields: Any) -> Promise:
        return Promise(lambda: self.ask(call, **fields))

    def from_callback(self, call: str, **fields: Any) -> None:
        self.ask(call, **fields)


class SyncView:
    def __init__(self, subscription: SyncSubscription) -> None:
        self._subscription = subscription
        self.close = subscription.close

    @property
    def state(self) -> ShowState | None:
        return self._subscription.state

    @property
    def holds(self) -> tuple[HoldView, ...]:
        return self._subscription.holds

    @property
    def error(self) -> DropcastError | None:
        return self._subscription.error

    def ready(self) -> ShowState:
        return self._subscription.ready(SOON_S)

    def take(self, timeout_s: float = SOON_S) -> Event | None:
        return self._subscription.take(timeout_s)

    def wait_ended(self) -> DropcastError | None:
        return self._subscription.wait_ended(SOON_S)


class AsyncPlayer:
    """Runs the asyncio client in a thread with a loop of its own."""

    def __init__(self, url: str | list[str], **options: Any) -> None:
        self.client = Client(url, **{"backoff": QUICK, **options})
        self.changes: list[Connection] = []
        self.client.on_state(self.changes.append)
        self.loop = asyncio.new_event_loop()
        self._tasks: list[asyncio.Task[Any]] = []
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(2 * SOON_S)

    def do(self, function: Callable[..., Any], *arguments: Any) -> Any:
        async def call() -> Any:
            return function(*arguments)

        return self.run(call())

    def connect(self) -> None:
        self.run(self.client.connect())

    def close(self) -> None:
        if self._thread.is_alive():
            self.run(self.client.close())
            self.run(self._drain())
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
            self.loop.close()

    async def _drain(self) -> None:
        """Let every task that still waits come to its end."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*tasks, return_exceptions=True)

    def subscribe(self, show: str, on_event: OnEvent | None = None) -> "AsyncView":
        return AsyncView(self, self.do(self.client.subscribe, show, on_event))

    def ask(self, call: str, **fields: Any) -> Any:
        return self.run(getattr(self.client, call)(**fields))

    def begin(self, call: str, **fields: Any) -> Promise:
        return Promise(lambda: self.ask(call, **fields))

    def from_callback(self, call: str, **fields: Any) -> None:
        """A callback of the asyncio client runs in its loop: it makes a task."""
        self._tasks.append(self.loop.create_task(getattr(self.client, call)(**fields)))


class AsyncView:
    def __init__(self, player: AsyncPlayer, subscription: Subscription) -> None:
        self._player = player
        self._subscription = subscription

    @property
    def state(self) -> ShowState | None:
        return self._subscription.state

    @property
    def holds(self) -> tuple[HoldView, ...]:
        return self._subscription.holds

    @property
    def error(self) -> DropcastError | None:
        return self._subscription.error

    def ready(self) -> ShowState:
        state: ShowState = self._player.run(self._subscription.ready())
        return state

    def take(self, timeout_s: float = SOON_S) -> Event | None:
        async def take() -> Event | None:
            async with asyncio.timeout(timeout_s):
                return await anext(self._subscription, None)

        event: Event | None = self._player.run(take())
        return event

    def wait_ended(self) -> DropcastError | None:
        error: DropcastError | None = self._player.run(self._subscription.wait_ended())
        return error

    def close(self) -> None:
        self._player.do(self._subscription.close)


PLAYERS: dict[str, type[SyncPlayer] | type[AsyncPlayer]] = {"asyncio": AsyncPlayer, "sync": SyncPlayer}
