"""A server to be measured: a process that says where it listens, and is ended when the round is over."""

import contextlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Self

from dropcast_bench import os_figures

LISTENING = r"listening on \S*?:(\d+)"
START_S = 30.0
STOP_S = 15.0


class ServerFault(Exception):
    """A server did not start, or died; the message has its last words."""


class Server:
    """As a context manager it starts and ends the process. `port` is where it listens."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        listening: str = LISTENING,
        env: dict[str, str] | None = None,
        end: signal.Signals = signal.SIGTERM,
    ) -> None:
        """`listening` finds the port in what it writes to stderr. `end` is how it is asked to end."""
        self.port = 0
        self._command = command
        self._listening = re.compile(listening)
        self._env = env
        self._end = end

    def __enter__(self) -> Self:
        # A file, so that nothing it says can fill a pipe and stop it.
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=self._env,
            start_new_session=True,
        )
        ends_at_s = time.monotonic() + START_S
        while not self.port:
            found = self._listening.search(self.log())
            if found:
                self.port = int(found[1])
            elif self._process.poll() is not None or time.monotonic() > ends_at_s:
                said = self.log()
                self.__exit__()
                raise ServerFault(f"{' '.join(self._command)} did not start:\n{said[-2000:]}")
            else:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(0.02)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._process.poll() is None:
            self._process.send_signal(self._end)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()

    def log(self) -> str:
        """Return what it has written so far."""
        self._log.flush()
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def pids(self, role: str = "") -> list[int]:
        """Return its processes, all of them or those whose command line has `role` in it."""
        return [pid for pid, line in os_figures.family(self._process.pid).items() if role in line]


def contender(module: str, *args: str, listening: str = LISTENING) -> Server:
    """Return a server of `dropcast_bench.contenders`, not yet started. It has nothing to lose, and is killed."""
    command = [sys.executable, "-P", "-m", f"dropcast_bench.contenders.{module}", *args]
    return Server(command, listening=listening, end=signal.SIGKILL)
