"""A worker process: `python -m dropcast.worker`, started by the supervisor and by nobody else.

Its standard input brings one line of JSON, a WorkerConfig, and then stays open: when it ends, the supervisor is
dead, and the worker stops as it does for SIGTERM. Anything else that comes there means that the server stops soon: the
worker says that it is not ready, and serves on.
"""

import asyncio
import contextlib
import gc
import logging
import os
import sys
import threading

import msgspec
import uvloop

from dropcast import logs
from dropcast.app import run_worker
from dropcast.config import WorkerConfig
from dropcast.domain.faults import Fault
from dropcast.log_writer import FLUSH_S
from dropcast.metrics import counts
from dropcast.settings import SettingsError
from dropcast.signals import stop_signals

logger = logging.getLogger("dropcast.worker")

_STDIN = 0
_COLLECT_AFTER = (50_000, 20, 50)
_FLUSH_SHARE = 0.1
"""How much of the time to stop log lines may take that stderr does not."""
_GRACE_S = 1.0
"""Beyond the stop deadline the supervisor kills; a worker without one ends itself this much later."""


def main() -> int:
    """Run until told to stop. Return the exit status: 0 orderly, 1 with one line on stderr otherwise."""
    # Read without a buffer: what is left of the pipe is watched by the loop.
    with open(_STDIN, "rb", buffering=0, closefd=False) as stdin:
        line = stdin.readline()
    if not line:
        return 0
    _spare_the_collector()
    config = msgspec.json.decode(line, type=WorkerConfig)
    _set_up_logging(config)
    try:
        uvloop.run(_run(config))
    except (Fault, SettingsError, OSError) as error:
        logger.error("%s", error)
        return 1
    return 0


async def _run(config: WorkerConfig) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    leave = asyncio.Event()

    def stop_now() -> None:
        if not stop.is_set():
            stop.set()
            _end_at_last(config.settings.stop_deadline_ms / 1000 + _GRACE_S)

    def on_stdin() -> None:
        if os.read(_STDIN, 4096):
            leave.set()
        else:
            loop.remove_reader(_STDIN)
            stop_now()

    def ready() -> None:
        # When nobody reads any more, standard input ends as well, and that is what stops us.
        with contextlib.suppress(BrokenPipeError):
            os.write(config.ready_fd, b"\x01")
        os.close(config.ready_fd)

    for number in stop_signals():
        loop.add_signal_handler(number, stop_now)
    loop.add_reader(_STDIN, on_stdin)
    await run_worker(config, ready=ready, leave=leave, stop=stop)


def _spare_the_collector() -> None:
    """Have cyclic garbage looked for less often: here nearly everything ends by its reference count.

    What is loaded by now stays for ever. What is looked through at each round is what a worker knows of its viewers
    and their holds; by default that happens again and again while a crowd comes in.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def _end_at_last(after_s: float) -> None:
    """End the process though its loop hangs, so that none outlives its supervisor."""

    def end() -> None:
        logger.error("the worker did not stop by itself and is ended")
        logs.flush()
        os._exit(1)

    timer = threading.Timer(after_s, end)
    timer.daemon = True
    timer.start()


def _set_up_logging(config: WorkerConfig) -> None:
    def on_record(severity: str) -> None:
        counts.log_records[severity] += 1

    def on_dropped(severity: str, lines: int) -> None:
        counts.log_lines_dropped[severity] += lines

    level = config.settings.log_level.upper()
    logs.configure(
        level=level,
        format=config.settings.log_format,
        worker=config.name,
        secrets=[config.settings.jwt_secret],
        on_record=on_record,
        on_dropped=on_dropped,
        flush_s=min(FLUSH_S, config.settings.stop_deadline_ms / 1000 * _FLUSH_SHARE),
    )
    # The supervisor has directed stdout to where stderr goes.
    sys.stdout = sys.stderr
    if level != "DEBUG":
        # What uvicorn and asyncio say at info is about processes, which are the supervisor's to tell of.
        for talkative in ("uvicorn", "asyncio"):
            logging.getLogger(talkative).setLevel(max(logging.WARNING, logging.getLevelName(level)))


if __name__ == "__main__":
    sys.exit(main())
