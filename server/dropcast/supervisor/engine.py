"""The engine from the supervisor's side: the embedded one as a child, and `open_engine` for commands of one shot."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from redis.asyncio import Redis

from dropcast import files
from dropcast.domain.faults import EngineFault, Fault
from dropcast.settings import Settings
from dropcast.store import library
from dropcast.store.connection import connect, examine
from dropcast.store.embedded import EmbeddedEngine, running
from dropcast.store.keys import Keys
from dropcast.store.products import Products
from dropcast.store.shows import Shows
from dropcast.supervisor.process import in_words

_POLL_S = 0.1
"""How soon its end is noticed where the system does not tell of it."""
_POLL_TOLD_S = 5.0


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

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine = _embedded(settings)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="engine")
        self._stopping = False
        self._woken = asyncio.Event()
        """Set when the engine has ended, or is to be stopped."""
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
            await prepare(self.url, self._settings, say)
        except Fault as fault:
            self._starting = False
            await self._stop()
            return fault.message
        on_ready()
        with _told_of_end(self._engine.pid, self._woken) as is_told:
            while not self._stopping:
                status = self._engine.poll()
                if status is not None:
                    log = self._engine.log_tail()
                    return f"the engine {in_words(status)}" + (f"; its last words:\n{log}" if log else "")
                self._woken.clear()
                await _wait(self._woken, _POLL_TOLD_S if is_told else _POLL_S)
        await self._stop()
        return "the engine was stopped"

    def stop(self) -> None:
        """Have `run` stop the engine: cleanly, by force after the deadline that the engine's own file names."""
        self._stopping = True
        self._woken.set()
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
        url = settings.redis_url or _join_or_start(settings, stack)
        client, keys = connect(url), Keys(settings.prefix)
        try:
            # Commands of one shot sell nothing: they must be able to look at what was sold on any engine.
            warnings = await examine(client, accept_lost_sales=True)
            await library.load(client, keys)
            yield Engine(url, client, Shows(client, keys), Products(client, keys), warnings)
        finally:
            await client.aclose()


async def prepare(url: str, settings: Settings, say: Callable[[str], None]) -> None:
    """See to it that the engine is fit and has the engine functions. Raises EngineFault."""
    client = connect(url)
    try:
        warnings = await examine(client, accept_lost_sales=settings.accept_lost_sales)
        for warning in warnings + shared_names(client, settings.prefix):
            say(f"warning: {warning}")
        await library.load(client, Keys(settings.prefix))
    finally:
        await client.aclose()


def shared_names(client: Redis, prefix: str) -> list[str]:
    """Return a warning when the engine's address names another database and the prefix is the default one."""
    database = int(client.connection_pool.connection_kwargs.get("db") or 0)
    if database == 0 or prefix != Settings().prefix:
        return []
    return [
        f"database {database} does not tell installations apart: channels know no database, so that servers in other "
        f"databases of this engine with the prefix {prefix} hear these shows (give each installation its own --prefix)"
    ]


def _embedded(settings: Settings) -> EmbeddedEngine:
    return EmbeddedEngine(
        Path(settings.data_dir),
        prefix=settings.prefix,
        memory_bytes_max=settings.engine_memory_bytes_max,
    )


def _join_or_start(settings: Settings, stack: ExitStack) -> str:
    data_dir = Path(settings.data_dir)
    path = running(data_dir)
    if path is None:
        _refuse_data_of_another(data_dir)
        engine = _embedded(settings)
        try:
            stack.enter_context(engine)
            return engine.url
        except EngineFault:
            # Somebody else may have started one in the meantime.
            path = running(data_dir)
            if path is None:
                raise
    return f"unix://{quote(str(path))}"


def _refuse_data_of_another(data_dir: Path) -> None:
    """Raise EngineFault when a server of another user could not use its data any more after this command."""
    owner = files.owner_of(data_dir / "appendonlydir")
    if owner is not None and owner != os.geteuid():
        raise EngineFault(
            f"the data in {data_dir} belongs to uid {owner}, and this is uid {os.geteuid()}: run the command as "
            "that user, for its server could not read what this one writes"
        )


@contextmanager
def _told_of_end(pid: int, event: asyncio.Event) -> Iterator[bool]:
    """Have `event` set when a process ends. Gives False where only asking tells."""
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or too old a kernel
        yield False
        return
    loop = asyncio.get_running_loop()

    def on_end() -> None:
        loop.remove_reader(descriptor)
        event.set()

    loop.add_reader(descriptor, on_end)
    try:
        yield True
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
