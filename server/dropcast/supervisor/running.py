"""Two ways to run a supervisor: as a context manager inside a program (`Running`), or until a signal comes."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from dropcast import files
from dropcast.edge.secrets import SECRET_FILE, needs_secret
from dropcast.settings import Settings
from dropcast.signals import stop_signals
from dropcast.supervisor.supervisor import Supervisor, say_error_on_stderr, say_on_stderr


class Running:
    """A server that runs as long as the block does: `async with Running(settings) as running:`.

    The block begins when every worker accepts connections, and ends when nothing of the server is left.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        say: Callable[[str], None] = say_on_stderr,
        log: IO[bytes] | IO[str] | None = None,
    ) -> None:
        """`say` takes lines for a person; `log` what the workers write to stderr, None: where ours goes."""
        self._given = settings
        self._say = say
        self._log = log

    async def __aenter__(self) -> Self:
        """Raises SettingsError or a Fault when the server does not come up."""
        self.supervisor = Supervisor(self._given, say=self._say, log=self._log)
        self._task = asyncio.create_task(self.supervisor.run(), name="supervisor")
        self.settings = self.supervisor.settings
        self.secret = self.settings.jwt_secret
        self.port = self.supervisor.port
        self.url = self.supervisor.url
        self.engine_url = self.supervisor.engine_url
        try:
            await asyncio.wait([self._task, self.supervisor.up], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self._stop()
            raise
        if self._task.done() or self.supervisor.up.cancelled():
            await self._task
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    @property
    def pids(self) -> dict[str, int]:
        """The process of each child that runs: "engine", "w0" and so on."""
        return self.supervisor.pids

    async def _stop(self) -> None:
        if not self._task.done():
            self.supervisor.stop()
        await asyncio.shield(self._task)


async def serve_until_stopped(
    settings: Settings,
    say: Callable[[str], None] = say_on_stderr,
    say_error: Callable[[str], None] = say_error_on_stderr,
) -> None:
    """Run a server until SIGINT, SIGTERM or SIGHUP; a second one stops it without waiting.

    The first SIGTERM stops it after `stop_delay_ms`. SIGINT and SIGHUP stay ignored when they were ignored at the
    start. Raises SettingsError or a Fault when it does not come up.
    """
    first_run = _makes_secret(settings)
    supervisor = Supervisor(settings, say=say, say_error=say_error)
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        if supervisor.stopping:
            say("stopping without waiting")
            supervisor.stop()
        elif number is signal.SIGTERM and settings.stop_delay_ms:
            say(f"stopping in {settings.stop_delay_ms} ms; /readyz fails from now on")
            supervisor.stop_after_delay()
        else:
            say("stopping")
            supervisor.stop()

    for number in stop_signals():
        loop.add_signal_handler(number, on_signal, number)
    supervisor.up.add_done_callback(
        lambda up: None if up.cancelled() else _announce(supervisor, first_run, say)
    )
    await supervisor.run()


def _announce(supervisor: Supervisor, first_run: bool, say: Callable[[str], None]) -> None:
    workers = "1 worker" if len(supervisor.workers) == 1 else f"{len(supervisor.workers)} workers"
    say(f"listening on {', '.join(supervisor.urls)} with {workers}")
    if supervisor.metrics_urls:
        say(f"metrics for Prometheus are at {', '.join(supervisor.metrics_urls)}")
    for warning in files.warnings(Path(supervisor.settings.data_dir)):
        say(f"warning: {warning}")
    if first_run:
        settings = supervisor.settings
        where = "" if settings.data_dir == Settings().data_dir else f" --data-dir {settings.data_dir}"
        say(f"made a development secret; mint a token by: dropcast token{where} --viewer ID --role creator")


def _makes_secret(settings: Settings) -> bool:
    """Whether this run will make the development secret with which `dropcast token` signs."""
    made = needs_secret(settings) and not settings.jwt_secret and settings.jwt_algorithm == "HS256"
    return made and files.owner_of(Path(settings.data_dir, SECRET_FILE)) is None
