"""What a show of one evening stands in: a directory that is gone afterwards, and interrupts that end it in order."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dropcast.signals import stop_signals


@contextmanager
def directory(given: Path | None, prefix: str) -> Iterator[Path]:
    """Give the directory that was asked for, or else a temporary one."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix=prefix) as made:
        yield Path(made)


@contextmanager
def interrupts(interrupted: asyncio.Event) -> Iterator[None]:
    """The first Ctrl-C, SIGTERM or SIGHUP ends the show in order, the second one ends everything at once."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def on_signal() -> None:
        if interrupted.is_set() and task is not None:
            task.cancel()
        interrupted.set()

    numbers = stop_signals()
    for number in numbers:
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
