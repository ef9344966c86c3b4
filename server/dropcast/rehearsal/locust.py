"""Locust as a process of its own, with the load test's evening: started, heard, ended in any case.

It lives in a session of its own, so that Ctrl-C reaches us alone and the evening ends in order. It holds our end
of its standard input: when we die, it stops by itself. Its workers, when there are some, are its children.
"""

import asyncio
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO

import msgspec

TO_INSTALL = '"dropcast-loadtest[locust]"'
PACKAGES = ("dropcast_loadtest", "dropcast_client", "locust", "jwt")
_MODULE = "dropcast_loadtest.evening"
_STOP_S = 360.0
"""The audit alone may take five minutes."""


class MissingLoadtest(Exception):
    """What the rehearsal needs is not installed."""


class _Said(msgspec.Struct):
    say: str


def require_loadtest() -> None:
    """Raises MissingLoadtest, with a sentence that says what to install."""
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise MissingLoadtest(
                f"the rehearsal is not installed: pip install {TO_INSTALL} (there is no {package})"
            )


async def run_locust(
    options: Sequence[str],
    environ: Mapping[str, str],
    *,
    say: Callable[[str], None],
    log: IO[bytes],
    interrupted: asyncio.Event,
) -> int:
    """Run Locust to its end, or until interrupted, and return its exit status. `log` takes its stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # what lies in the current directory is none of its business
        "-m",
        _MODULE,
        *options,
        "--progress-lines",
        "--ends-with-input",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=log,
        env=environ,
        start_new_session=True,
    )
    hearing = asyncio.create_task(_hear(process, say))
    stopping = asyncio.create_task(interrupted.wait())
    try:
        await asyncio.wait((hearing, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not hearing.done():
            process.send_signal(signal.SIGINT)
            await asyncio.wait((hearing,), timeout=_STOP_S)
        if not hearing.done():
            say("Locust did not end in time")
    finally:
        stopping.cancel()
        # What is left of its session: nothing, unless it hangs or we are in a hurry.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        status = await process.wait()
        await hearing
    return status


async def _hear(process: asyncio.subprocess.Process, say: Callable[[str], None]) -> None:
    """Pass on what the evening says. What Locust itself prints is left out: it is in the report."""
    assert process.stdout is not None
    async for line in process.stdout:
        with suppress(msgspec.MsgspecError):
            say(msgspec.json.decode(line, type=_Said).say)
    await process.wait()
