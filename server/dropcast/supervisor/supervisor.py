"""The supervisor: does what plan.py says with the engine child and the worker processes, and tells the plan.

It owns the listening sockets and resolves the secret; it serves nobody itself.
"""

import asyncio
import logging
import secrets
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from math import isfinite
from typing import IO

import msgspec

from dropcast.config import WorkerConfig
from dropcast.domain.faults import Fault
from dropcast.edge.keys import load_keys
from dropcast.edge.secrets import resolve_secret
from dropcast.settings import Settings, SettingsError
from dropcast.store.engine_binary import binary_path
from dropcast.store.keys import Keys
from dropcast.supervisor.descriptors import raise_limit
from dropcast.supervisor.engine import EngineChild, prepare
from dropcast.supervisor.metrics import Metrics
from dropcast.supervisor.plan import Kill, Plan, Start, Step, Stop
from dropcast.supervisor.process import Ended, WorkerProcess
from dropcast.supervisor.scraping import Scraping
from dropcast.supervisor.sockets import Listeners

logger = logging.getLogger(__name__)

_ENGINE = "engine"


class StartFault(Fault):
    """The server did not come up; the message is why."""


def say_on_stderr(line: str) -> None:
    # Whoever read stderr may be gone: no reason to fall with it.
    with suppress(OSError):
        print(f"dropcast: {line}", file=sys.stderr, flush=True)


def say_error_on_stderr(line: str) -> None:
    say_on_stderr(f"error: {line}")


class Supervisor:
    """One run of a server. `run` does it all; `stop` may be called at any time, from the same loop."""

    def __init__(
        self,
        settings: Settings,
        *,
        say: Callable[[str], None] = say_on_stderr,
        say_error: Callable[[str], None] | None = None,
        log: IO[bytes] | IO[str] | None = None,
    ) -> None:
        """Resolve the secret, check the keys and bind the sockets; nothing runs yet.

        `say` takes lines for a person, `say_error` those about a child that ended unexpectedly, by default `say` too;
        `log` takes what workers write to stderr, None: where ours goes. Raises SettingsError, or EngineFault when the
        embedded engine is needed and not installed.
        """
        if not settings.redis_url:
            binary_path()
        self.settings = msgspec.structs.replace(settings, jwt_secret=resolve_secret(settings))
        if settings.jwt_algorithm != "HS256":
            load_keys(settings)
        self.up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when every worker accepts connections."""
        self._id = secrets.token_hex(4)
        self._say = say
        self._say_error = say_error or say
        self._changed = asyncio.Event()
        self._stop_timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        keys = Keys(settings.prefix)
        self._engine = None if settings.redis_url else EngineChild(settings)
        self.engine_url = self._engine.url if self._engine else settings.redis_url
        names = [f"w{number}" for number in range(settings.workers)]
        self.workers = {name: WorkerProcess(name, log) for name in names}
        levels = [[_ENGINE], names] if self._engine else [names]
        self._plan = Plan(levels, stop_s=settings.stop_deadline_ms / 1000)
        self._limit_warning = raise_limit(settings)
        self._listeners = Listeners(settings.host, settings.port, settings.workers)
        self._fds = {
            name: tuple(bound.fileno() for bound in sockets)
            for name, sockets in zip(names, self._listeners.sockets, strict=True)
        }
        self._metrics = Metrics(names, self.engine_url, keys) if settings.metrics_port else None
        self._scraping = self._listen_for_scrapes(settings)
        self.port = self._listeners.port
        self.urls = self._listeners.urls
        """Where clients reach it: more than one when the host stands for several addresses."""
        self.url = self.urls[0]

    @property
    def pids(self) -> dict[str, int]:
        """The process of each child that runs, by its name."""
        found = {name: worker.pid for name, worker in self.workers.items() if worker.pid}
        if self._engine is not None and self._engine.pid:
            found[_ENGINE] = self._engine.pid
        return found

    @property
    def metrics_url(self) -> str:
        """Where Prometheus finds the metrics, by the first address; empty when they are not served."""
        return next(iter(self.metrics_urls), "")

    @property
    def metrics_urls(self) -> list[str]:
        """The same by every address."""
        return self._scraping.urls if self._scraping is not None else []

    @property
    def stopping(self) -> bool:
        """Whether it stops, be it after a delay."""
        return self._plan.stopping or self._stop_timer is not None

    def _listen_for_scrapes(self, settings: Settings) -> Scraping | None:
        if self._metrics is None:
            return None
        try:
            return Scraping(settings.metrics_host, settings.metrics_port, self._metrics.page)
        except SettingsError:
            self._listeners.close()
            raise

    def stop_after_delay(self) -> None:
        """Stop in order after `stop_delay_ms`; until then connects are taken, but no worker says that it is ready."""
        if not self.settings.stop_delay_ms or self.stopping:
            self.stop()
            return
        for worker in self.workers.values():
            worker.leave()
        delay_s = self.settings.stop_delay_ms / 1000
        self._stop_timer = asyncio.get_running_loop().call_later(delay_s, self._stop, False)

    def stop(self) -> None:
        """Stop in order; called again, or while a stop is delayed, without waiting."""
        self._stop(hurries=self.stopping)

    def _stop(self, hurries: bool) -> None:
        if self._stop_timer is not None:
            self._stop_timer.cancel()
        if hurries:
            self._plan.hurry()
        else:
            self._plan.stop()
        # From here on connects are refused as soon as the workers refuse them.
        self._listeners.close()
        self._changed.set()

    async def run(self) -> None:
        """Run until stopped. Raises StartFault or an EngineFault when it never came up. Leaves nothing behind."""
        try:
            if self._scraping is not None:
                await self._scraping.serve()
            if self._engine is None:
                await prepare(self.engine_url, self.settings, self._say)
            await self._follow_plan()
        finally:
            self._listeners.close()
            if self._scraping is not None:
                await self._scraping.close()
            if self._metrics is not None:
                await self._metrics.close()
            if self._engine is not None:
                await self._engine.close()
            if not self.up.done():
                self.up.cancel()
        if self._plan.failure:
            raise StartFault(self._plan.failure)

    async def _follow_plan(self) -> None:
        while True:
            self._changed.clear()
            for step in self._plan.steps(time.monotonic()):
                self._do(step)
            if self._plan.finished:
                return
            wake_s = self._plan.wake_s()
            try:
                async with asyncio.timeout(wake_s - time.monotonic() if isfinite(wake_s) else None):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _do(self, step: Step) -> None:
        match step:
            case Start(name):
                task = asyncio.create_task(self._child(name), name=name)
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case Stop(name) if name == _ENGINE:
                assert self._engine is not None
                self._engine.stop()
            case Kill(name) if name == _ENGINE:
                # Its own stop has a deadline. Before that it is given its time: nothing waits for the engine.
                pass
            case Stop(name):
                self.workers[name].send(signal.SIGTERM)
            case Kill(name):
                self._say_error(f"worker {name} did not stop in time and is killed")
                self.workers[name].send(signal.SIGKILL)

    async def _child(self, name: str) -> None:
        """Run a child to its end, and tell the plan of it."""

        def on_ready() -> None:
            self._plan.ready(name, time.monotonic())
            if self._metrics is not None:
                self._metrics.ready(name)
            if self._plan.up and not self.up.done():
                self.up.set_result(None)
                # Not before: a server that does not come up has one line to say.
                if self._limit_warning:
                    self._say(self._limit_warning)
            self._changed.set()

        try:
            if name == _ENGINE:
                assert self._engine is not None
                ended = Ended(await self._engine.run(on_ready, self._say))
            else:
                ended = await self.workers[name].run(self._config(name), on_ready)
        except OSError as error:
            ended = Ended(f"{name} could not be started: {error}")
        except Exception as error:
            # A fault of ours: told like any other end, for without one the plan would wait forever.
            logger.exception("%s failed", name)
            ended = Ended(f"{name} failed: {error!r}")
        if self._metrics is not None:
            self._metrics.ended(name)
        pause = self._plan.ended(name, time.monotonic(), ended.how)
        if pause is not None:
            say = self._say if ended.orderly else self._say_error
            say(f"{ended.how}\n  {name} starts again in {pause:.1f} s")
        self._changed.set()

    def _config(self, name: str) -> WorkerConfig:
        return WorkerConfig(
            settings=self.settings,
            engine_url=self.engine_url,
            name=name,
            listen_fds=self._fds[name],
            ready_fd=-1,
            server=self._id,
            metrics_fd=self._metrics.descriptor(name) if self._metrics is not None else -1,
        )
