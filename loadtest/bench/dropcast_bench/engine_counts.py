"""How many commands an engine has run, by its own count."""

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis

_OWN = "cmdstat_info"


class EngineCounts:
    """As a context manager it holds a connection to the engine's unix socket."""

    def __init__(self, socket_path: Path) -> None:
        self.client = Redis(unix_socket_path=str(socket_path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.client.close()

    def __call__(self) -> int:
        """Return the commands so far, those within functions included; asking is not counted."""
        told = self.client.info("commandstats")
        return sum(int(of["calls"]) for name, of in told.items() if name != _OWN)

    def per_s(self, seconds: float) -> float:
        """Watch for so long, and return the commands a second."""
        before, began_s = self(), time.perf_counter()
        time.sleep(seconds)
        return (self() - before) / (time.perf_counter() - began_s)
