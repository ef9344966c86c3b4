"""One demo from beginning to end: a server of its own, a show on it, and nothing left of either."""

import asyncio
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from dropcast.demo.cast import Cast, Server
from dropcast.demo.director import Director
from dropcast.demo.screen import Screen
from dropcast.demo.verdict import Summary, judge
from dropcast.edge.tokens import mint
from dropcast.settings import Settings
from dropcast.store.connection import connect
from dropcast.store.products import Products
from dropcast.store.shows import Shows
from dropcast.supervisor import Running

_SANDBOX_SLOW_MS = 800
"""A payment that is slow for a person, and short enough for a short show."""


async def play(
    cast: Cast, *, workers: int, data_dir: Path | None, screen: Screen, log: IO[bytes] | None
) -> Summary:
    """Play the demo. `log` takes what all its processes write to stderr; None: where ours goes.

    Raises NeverOnAir, DoorFault, SettingsError and the engine's faults.
    """
    with _directory(data_dir) as directory:
        # Settings of the environment are for servers that are meant to last.
        settings = Settings(
            port=0, workers=workers, data_dir=str(directory), sandbox_slow_ms=_SANDBOX_SLOW_MS
        )
        screen.say("Starting the engine and the server ...")
        async with Running(settings, say=screen.say, log=log) as running:
            client = connect(running.engine_url)
            try:
                director = Director(
                    server=Server(url=running.url, token=partial(mint, running.secret, running.settings)),
                    shows=Shows(client),
                    products=Products(client),
                    cast=cast,
                    screen=screen,
                    log=log,
                )
                with _interrupts(director.interrupted):
                    return judge(await director.run())
            finally:
                await client.aclose()


@contextmanager
def _directory(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="dropcast-demo-") as made:
        yield Path(made)


@contextmanager
def _interrupts(interrupted: asyncio.Event) -> Iterator[None]:
    """The first Ctrl-C ends the show in order, the second one ends the demo at once."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def on_signal() -> None:
        if interrupted.is_set() and task is not None:
            task.cancel()
        interrupted.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
