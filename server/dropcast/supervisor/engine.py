"""The engine from the supervisor's side: the embedded one as a child, and `open_engine` for commands of one shot."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from redis.asyncio import Redis

from dropcast.domain.faults import EngineFault, Fault
from dropcast.settings import Settings
from dropcast.store import library
from dropcast.store.connection import connect, examine
from dropcast.store.embedded import EmbeddedEngine, running
from dropcast.store.products import Products
from dropcast.store.shows import Shows
from dropcast.supervisor.process import in_words

_POLL_S = 0.1


class Engine(NamedTuple):
    """An engine that is fit and has the engine functions, and the stores on top of it."""

    url: str
    client: Redis
    shows: Shows
    products: Products
    warnings: list[str]


class EngineChild:
    """The embedded engine as a child that may be started again.

    Everything blocking happens on one thread of its own, which lives until `close`: the engine is tied to the thread
    that started it, so that it ends with a supervisor that was killed.
    """

    def __init__(self, data_dir: Path) -> None:
        self._engine = EmbeddedEngine(data_dir)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="engine")
        self._stopping = asyncio.Event()
        self._starting = False
        self.url = self._engine.url

    @property
    def pid(self) -> int:
        return self._engine.pid

    async def run(self, on_ready: Callable[[], None], say: Callable[[str], None]) -> str:
        """Start the engine, load the engine functions and wait for its end. Return how it ended, in words."""
        loop = asyncio.get_running_loop()
        try:
            self._starting = True
            await loop.run_in_executor(self._thread, self._engine.start)
            self._starting = False
            await prepare(self.url, say)
        except Fault as fault:
            self._starting = False
            await self._stop()
            return fault.message
        on_ready()
        while not self._stopping.is_set():
            status = self._engine.poll()
            if status is not None:
                log = self._engine.log_tail()
                return f"the engine {in_words(status)}" + (f"; its last words:\n{log}" if log else "")
            await _wait(self._stopping, _POLL_S)
        await self._stop()
        return "the engine was stopped"

    def stop(self) -> None:
        """Have `run` stop the engine: cleanly, by force after the deadline that the engine's own file names."""
        self._stopping.set()
        if self._starting and self._engine.pid:
            # It may be loading its data, which can take long: a signal makes `start` give up.
            with suppress(ProcessLookupError):
                os.kill(self._engine.pid, signal.SIGTERM)

    async def close(self) -> None:
        """Leave neither process, socket nor lock. Safe to repeat."""
        await self._stop()
        self._thread.shutdown()

    async def _stop(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.stop)


@asynccontextmanager
async def open_engine(settings: Settings) -> AsyncIterator[Engine]:
    """Open the engine of these settings for a command of one shot.

    That is the one at `redis_url`, or the embedded one that runs on the data directory, or one that is started
    there for the duration. Raises EngineFault when there is none to be had.
    """
    with ExitStack() as stack:
        url = settings.redis_url or _join_or_start(Path(settings.data_dir), stack)
        client = connect(url)
        try:
            warnings = await examine(client)
            await library.load(client)
            yield Engine(url, client, Shows(client), Products(client), warnings)
        finally:
            await client.aclose()


async def prepare(url: str, say: Callable[[str], None]) -> None:
    """See to it that the engine is fit and has the engine functions. Raises EngineFault."""
    client = connect(url)
    try:
        for warning in await examine(client):
            say(f"warning: {warning}")
        await library.load(client)
    finally:
        await client.aclose()


def _join_or_start(data_dir: Path, stack: ExitStack) -> str:
    path = running(data_dir)
    if path is None:
        engine = EmbeddedEngine(data_dir)
        try:
            stack.enter_context(engine)
            return engine.url
        except EngineFault:
            # Somebody else may have started one in the meantime.
            path = running(data_dir)
            if path is None:
                raise
    return f"unix://{quote(str(path))}"


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
