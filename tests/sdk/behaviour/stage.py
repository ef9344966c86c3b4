"""The scripted worker in a thread of its own, so that a scenario can be played by any shell, without an event loop.

Under gevent the thread is a real one, not a greenlet: an event loop cannot share a thread with gevent's.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

from tests.sdk.worker import Message, Worker
from tests.support.wait import wait_until_sync

try:
    from gevent.monkey import is_module_patched
    from gevent.threadpool import ThreadPool
except ImportError:  # without gevent there is nothing to look out for
    ThreadPool, is_module_patched = None, lambda name: False

T = TypeVar("T")


class Stage:
    """Runs a `Worker`. `do` and `run` carry something out in the worker's own thread."""

    def __init__(self, codec: str = "json") -> None:
        self.worker = Worker(codec)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._over: Callable[[], bool] = lambda: True

    def __enter__(self) -> Self:
        if is_module_patched("threading"):
            task = ThreadPool(1).spawn(lambda: asyncio.run(self._serve()))
            self._over = task.ready
        else:
            thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
            thread.start()
            self._over = lambda: not thread.is_alive()
        wait_until_sync(lambda: self._stop)
        return self

    def __exit__(self, *exc_info: object) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        wait_until_sync(self._over)

    async def _serve(self) -> None:
        async with self.worker:
            self._loop = asyncio.get_running_loop()
            stop = self._stop = asyncio.Event()
            await stop.wait()

    @property
    def url(self) -> str:
        return self.worker.url

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the worker's loop. Polls: a native thread cannot wake a greenlet's lock."""
        assert self._loop is not None
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        wait_until_sync(future.done)
        return future.result()

    def do(self, function: Callable[..., T], *arguments: Any, **fields: Any) -> T:
        async def call() -> T:
            return function(*arguments, **fields)

        return self.run(call())

    def run_soon(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call a function in the worker's loop and do not wait for it: it may hold the loop up."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(function, *arguments)

    # Short ways ------------------------------------------------------------------------------------------

    def announce(self, *texts: str) -> None:
        for text in texts:
            self.run(self.worker.announce(text))

    def say(self, message: Message) -> None:
        self.run(self.worker.say(message))

    def cut(self, while_away: tuple[str, ...] = ()) -> None:
        """Lose the connections; announce something that nobody hears."""

        def cut() -> None:
            self.worker.cut_sockets()
            for text in while_away:
                self.worker.event("announcement", text=text)

        self.do(cut)

    def close(self, code: int, reason: str = "") -> None:
        self.run(self.worker.close_sockets(code, reason))

    def heard(self, kind: str, count: int = 1) -> list[Message]:
        """Wait until `count` commands of a type were heard; return all of them."""
        wait_until_sync(lambda: len(self.worker.heard_of(kind)) >= count)
        return self.worker.heard_of(kind)

    def answer(self, kind: str, answer: Callable[[Message], Message | None]) -> None:
        self.worker.answers[kind] = answer
