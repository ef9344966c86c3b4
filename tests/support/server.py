"""A whole server as its own processes: `dropcast serve` on a free port, for tests that need real ones."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from dropcast.settings import ENV_PREFIX, Settings

START_DEADLINE_S = 40.0
STOP_DEADLINE_S = 30.0
SECRET = "a secret of the tests, of more than 32 bytes"


class Start(NamedTuple):
    """How a server is started, where that matters."""

    environ: Mapping[str, str | None] = {}
    """More variables for it; None takes one away."""
    prefix: Sequence[str] = ()
    """A command that becomes the server, such as nohup."""
    packages: Path | None = None
    """The folder that holds another version's package (see old_version.py); None is this version."""


_AS_USUAL = Start()


class Server:
    """Starts `dropcast serve` with `flags` as settings, of which None gives none; `stop` ends it orderly."""

    def __init__(
        self,
        data_dir: Path,
        start: Start = _AS_USUAL,
        /,
        *,
        workers: int = 2,
        port: int | None = 0,
        descriptors: tuple[int, int] | None = None,
        **flags: object,
    ) -> None:
        """`descriptors`: how many each process may have, as a pair of the soft and the hard limit."""
        self.data_dir = data_dir
        variables = {**environ(start.packages), **start.environ}
        self.environ = {name: value for name, value in variables.items() if value is not None}
        """The environment of its processes."""
        engine = {name: flags[name] for name in ("redis_url",) if name in flags}
        self._engine_flags = _as_flags({"data_dir": data_dir, **engine})
        self.settings = Settings(jwt_secret=SECRET)
        command = [*start.prefix, sys.executable, "-m", "dropcast", "serve"]
        given = {"data_dir": data_dir, "workers": workers, "port": port, "log_level": "warning", **flags}
        command += _as_flags(given)
        if descriptors is not None:
            soft, hard = descriptors
            # Set by the shell in between: a function between fork and exec is not safe beside threads.
            limited = f'ulimit -Sn {soft} && ulimit -Hn {hard} && exec "$@"'
            command = ["bash", "-c", limited, "bash", *command]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=self.environ
        )
        self.lines: list[str] = []
        self.port = 0
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._listening.wait(START_DEADLINE_S) or not self.port:
            self.process.kill()
            self.process.wait()
            self._reader.join(STOP_DEADLINE_S)
            raise AssertionError("the server did not start:\n" + "".join(self.lines))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait, and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(STOP_DEADLINE_S)
        self._reader.join(STOP_DEADLINE_S)
        return status

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr:
            for line in self.process.stderr:
                self.lines.append(line)
                found = re.search(r"listening on \S+:(\d+)", line)
                if found:
                    self.port = int(found[1])
                    self._listening.set()
        self._listening.set()

    def audit(self) -> str:
        """Return what the `dropcast audit` of this server's version says: "ok", or each problem."""
        command = [sys.executable, "-m", "dropcast", "audit", *self._engine_flags]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environ, check=False)
        return (done.stdout or done.stderr).strip()


def _as_flags(values: Mapping[str, object]) -> list[str]:
    words = []
    for name, value in values.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        elif value is not None:
            words += [f"--{flag}", str(value)]
    return words


def environ(packages: Path | None = None) -> dict[str, str]:
    """Return the environment for a process of ours: this one's, with no settings but the tests' secret."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
    if packages is not None:
        others["PYTHONPATH"] = str(packages)
    return {**others, "DROPCAST_JWT_SECRET": SECRET}
