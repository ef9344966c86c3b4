"""A process of the crowd: started with a config on its standard input, heard by its lines, ended in any case.

It lives in a session of its own, so that Ctrl-C reaches the demo alone, which then ends the show in order. The
end of its standard input tells it to stop; what does not stop is killed, by its own id.
"""

import asyncio
import importlib.util
import sys
from collections.abc import Callable
from typing import IO

import msgspec

from dropcast.demo.lines import Done, Line, Ready, Trouble

DISTRIBUTION = "dropcast-loadtest"
PACKAGE = "dropcast_loadtest"

_LINE_BYTES_MAX = 64 * 2**20
_decode = msgspec.json.Decoder(Line).decode


class MissingCrowd(Exception):
    """The distribution that has the crowd is not installed."""


def require_crowd() -> None:
    """Raises MissingCrowd, with a sentence that says what to install."""
    for package in (PACKAGE, "dropcast_client"):
        if importlib.util.find_spec(package) is None:
            raise MissingCrowd(
                f"the demo's crowd is not installed: pip install {DISTRIBUTION} (there is no {package})"
            )


class Helper:
    """One process. `on_line` hears each of its lines; `faults` is what went wrong with it."""

    def __init__(
        self, name: str, module: str, on_line: Callable[[Line], None], *, log: IO[bytes] | None = None
    ) -> None:
        """`log` takes what it writes to stderr; None: where ours goes."""
        self.name = name
        self._log = log
        self._module = f"{PACKAGE}.{module}"
        self._on_line = on_line
        self._process: asyncio.subprocess.Process | None = None
        self._hearing: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        """Set when it says so, or has ended without."""
        self.ended = asyncio.Event()
        self.faults: list[str] = []

    async def start(self, config: msgspec.Struct) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # what lies in the current directory is none of its business
            "-m",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._log,
            limit=_LINE_BYTES_MAX,
            start_new_session=True,
        )
        self._process = process
        assert process.stdin is not None
        self._hearing = asyncio.create_task(self._hear(process))
        try:
            process.stdin.write(msgspec.json.encode(config) + b"\n")
            await process.stdin.drain()
        except ConnectionError:
            pass  # it has died: `_hear` tells

    async def end(self, within_s: float) -> None:
        """Wait for it to end by itself, then tell it to stop, then kill it."""
        process, hearing = self._process, self._hearing
        if process is None or hearing is None:
            return
        await asyncio.wait((hearing,), timeout=within_s)
        if not hearing.done():
            self.faults.append(f"{self.name} did not end in time")
            await self.stop()
        await hearing

    async def stop(self, within_s: float = 3.0) -> None:
        """Tell it to stop and see to it that it does."""
        process, hearing = self._process, self._hearing
        if process is None or hearing is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        await asyncio.wait((hearing,), timeout=within_s)
        if process.returncode is None:
            process.kill()
        await hearing

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        done = False
        try:
            while text := await process.stdout.readline():
                line = _decode(text)
                done = done or isinstance(line, Done)
                if isinstance(line, Trouble):
                    self.faults.append(f"{self.name}: {line.message}")
                if isinstance(line, Ready):
                    self.ready.set()
                self._on_line(line)
        except (msgspec.MsgspecError, ValueError) as error:
            self.faults.append(f"{self.name} said what nobody understands: {error}")
            process.kill()
        status = await process.wait()
        if status != 0 or not done:
            self.faults.append(f"{self.name} ended with status {status}")
        self.ready.set()
        self.ended.set()
