"""A whole server as its own processes: `dropcast serve` on a free port, for tests that need real ones."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

from dropcast.settings import ENV_PREFIX, Settings

START_DEADLINE_S = 40.0
STOP_DEADLINE_S = 30.0
SECRET = "a secret of the tests, of more than 32 bytes"


class Server:
    """Starts `dropcast serve` with `settings` as flags; `stop` ends it orderly."""

    def __init__(self, data_dir: Path, *, workers: int = 2, port: int = 0, **flags: object) -> None:
        self.data_dir = data_dir
        self.settings = Settings(jwt_secret=SECRET)
        command = [sys.executable, "-m", "dropcast", "serve"]
        given = {"data_dir": data_dir, "workers": workers, "port": port, "log_level": "warning", **flags}
        for name, value in given.items():
            flag = name.replace("_", "-")
            if isinstance(value, bool):
                command.append(f"--{flag}" if value else f"--no-{flag}")
            else:
                command += [f"--{flag}", str(value)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ())
        self.lines: list[str] = []
        self.port = 0
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._listening.wait(START_DEADLINE_S) or not self.port:
            self.process.kill()
            self.process.wait()
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
        """Return what `dropcast audit` says of the running server: "ok", or each problem."""
        command = [sys.executable, "-m", "dropcast", "audit", "--data-dir", str(self.data_dir)]
        return subprocess.run(
            command, capture_output=True, text=True, env=environ(), check=False
        ).stdout.strip()


def environ() -> dict[str, str]:
    """Return the environment for a process of ours: this one's, with no settings but the tests' secret."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
    return {**others, "DROPCAST_JWT_SECRET": SECRET}
