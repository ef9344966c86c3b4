"""What a server costs while it is attacked: its processes' time and memory, and the engine's."""

import asyncio
import contextlib
import os
import time
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from dropcast.domain.faults import EngineAway
from dropcast.store.connection import ask
from tests.support.processes import children_of, memory_bytes, workers_of

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Meter:
    """Reads the processes of the server whose supervisor is `pid`, and its engine through `client`."""

    def __init__(self, pid: int, client: Redis) -> None:
        self._client = client
        self.workers = workers_of(pid)
        (self.engine,) = children_of(pid) - set(self.workers)
        self._pid = pid

    @property
    def is_whole(self) -> bool:
        """Whether the processes are the ones that there were."""
        return workers_of(self._pid) == self.workers and self.engine in children_of(self._pid)

    def worker_bytes(self) -> int:
        """Return the resident memory of all workers; of one that has ended nothing."""
        return sum(_memory(pid) for pid in self.workers)

    async def engine_bytes(self) -> int:
        """Return what the engine has allocated; 0 when it does not answer in time, which the buyers notice too."""
        with contextlib.suppress(EngineAway):
            return await self._engine_bytes()
        return 0

    async def _engine_bytes(self) -> int:
        memory: dict[str, Any] = await ask(self._client, "INFO", "memory")
        return int(memory["used_memory"])

    async def cores(self, seconds: float) -> float:
        """Return how many cores workers and engine use, over so many seconds from now."""
        began_s, before = time.monotonic(), self._used_s()
        await asyncio.sleep(seconds)
        return (self._used_s() - before) / (time.monotonic() - began_s)

    async def writes(self) -> int:
        """Return how many commands that write the engine has carried out, those of its functions among them."""
        # As one word: the client's own reading of COMMAND's answer knows no list.
        listed = await ask(self._client, "COMMAND LIST", "FILTERBY", "ACLCAT", "write")
        names = {name.decode() for name in listed}
        stats: dict[str, Any] = await ask(self._client, "INFO", "commandstats")
        return sum(
            int(figures["calls"]) for name, figures in stats.items() if name.removeprefix("cmdstat_") in names
        )

    def _used_s(self) -> float:
        return sum(_cpu_s(pid) for pid in (*self.workers, self.engine))


def _memory(pid: int) -> int:
    try:
        return memory_bytes(pid)
    except OSError:
        return 0


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    # User and system time, the fields 14 and 15 of proc(5), in ticks.
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
