"""One worker process from the supervisor's side: its three pipes, its signals, its end.

Its standard input carries its config and is then held open: should the supervisor die in any way, the kernel
closes it, and the worker stops. Another line on it tells that the server stops soon. A second pipe brings one byte
when the worker accepts connections.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

import dropcast
from dropcast.config import WorkerConfig

_PACKAGES_DIR = Path(dropcast.__file__).parents[1]
_STDERR = 2
_LIBRARY_VARIABLES = ("WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS")
_LIBRARY_PREFIXES = ("UVICORN_", "WEBSOCKETS_")
_LEAVE = b"leave\n"


class Ended(NamedTuple):
    how: str
    """How a process ended, in words."""
    orderly: bool = False
    """Whether somebody stopped it and it finished its work; otherwise its end is an error."""


class WorkerProcess:
    """See the module. `pid` is 0 before it runs and after its end."""

    def __init__(self, name: str, log: IO[bytes] | IO[str] | None) -> None:
        """`log` takes what the worker writes to stderr; None: where ours goes."""
        self.name = name
        self.pid = 0
        self._log = log
        self._config_fd = -1
        self._leaves = False

    async def run(self, config: WorkerConfig, on_ready: Callable[[], None]) -> Ended:
        """Start the process and wait for its end. Return how it ended.

        `config.ready_fd` is set here. Raises OSError when it cannot be started.
        """
        loop = asyncio.get_running_loop()
        config_read, config_write = os.pipe()
        ready_read, ready_write = os.pipe()
        try:
            try:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *_safe_path(),
                    "-m",
                    "dropcast.worker",
                    stdin=config_read,
                    stdout=self._log or _STDERR,
                    stderr=self._log,
                    env=worker_environment(os.environ),
                    pass_fds=[fd for fd in (*config.listen_fds, ready_write, config.metrics_fd) if fd >= 0],
                    start_new_session=True,
                )
            finally:
                os.close(config_read)
                # Set before the descriptor is closed here: its number is the same in the child.
                config = msgspec.structs.replace(config, ready_fd=ready_write)
                os.close(ready_write)
            self.pid = process.pid

            def on_byte() -> None:
                loop.remove_reader(ready_read)
                if os.read(ready_read, 1):
                    on_ready()

            loop.add_reader(ready_read, on_byte)
            try:
                self._config_fd = config_write
                _write(config_write, msgspec.json.encode(config) + b"\n")
                if self._leaves:
                    _write(config_write, _LEAVE)
                status = await process.wait()
            finally:
                self.pid = 0
                self._config_fd = -1
                loop.remove_reader(ready_read)
            return Ended(f"worker {self.name} {in_words(status)}", orderly=status == 0)
        finally:
            os.close(ready_read)
            os.close(config_write)

    def leave(self) -> None:
        """Have this process, and each that is started after it, say that it is not ready, and serve on."""
        self._leaves = True
        if self._config_fd >= 0:
            _write(self._config_fd, _LEAVE)

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when the process has ended."""
        if self.pid:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def worker_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a worker: without variables by which libraries would have settings of their own.

    uvicorn and websockets read theirs when they are loaded, and fail when one is not a number. They are not ours, and
    what they would set is set by us. What remains is meant for every program: PYTHON..., TMPDIR, the proxies and
    certificates by which the token issuer's keys are fetched.
    """
    return {
        name: value
        for name, value in environ.items()
        if name not in _LIBRARY_VARIABLES and not name.startswith(_LIBRARY_PREFIXES)
    }


def in_words(status: int) -> str:
    """Return what a process' exit status means."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def _safe_path() -> list[str]:
    """Keep the current directory out of the worker's import path, where a file of any name may lie.

    Unless dropcast itself is imported from there.
    """
    return [] if Path.cwd() == _PACKAGES_DIR else ["-P"]


def _write(descriptor: int, line: bytes) -> None:
    """Write the config or a word: a few kilobytes into an empty pipe, which takes 64 KiB without waiting."""
    try:
        os.write(descriptor, line)
    except BrokenPipeError:
        return  # it has ended already, and its status tells why
