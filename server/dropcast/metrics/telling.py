"""The worker's side: a timer that shares what is counted with the supervisor, twice a second."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable

from dropcast.metrics.counted import counts
from dropcast.metrics.sharing import Sheet

logger = logging.getLogger(__name__)

INTERVAL_S = 0.5
_STATM = "/proc/self/statm"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


async def tell(sheet: Sheet, measure: Callable[[], None]) -> None:
    """Share the counts until cancelled, and once more then. `measure` sets what is looked up rather than counted."""
    loop = asyncio.get_running_loop()
    told = True
    try:
        while True:
            measure()
            if told and not (told := _write(sheet)):
                logger.error("there is too much to count for its sheet of memory: the metrics stand still")
            due_s = loop.time() + INTERVAL_S
            await asyncio.sleep(INTERVAL_S)
            counts.loop_lag_s.observe(max(0.0, loop.time() - due_s))
    finally:
        _write(sheet)


def _write(sheet: Sheet) -> bool:
    counts.cpu_s = time.process_time()
    counts.memory_bytes = _memory_bytes()
    return sheet.write(counts.values())


def _memory_bytes() -> int:
    """Return the resident memory of this process; 0 where the system does not tell it in passing."""
    if sys.platform != "linux":
        return 0
    with open(_STATM, "rb", buffering=0) as file:
        return int(file.read(128).split()[1]) * _PAGE_BYTES
