"""One demo from beginning to end: a server of its own, a show on it, and nothing left of either."""

from functools import partial
from pathlib import Path
from typing import IO

from dropcast.demo.cast import Cast, Server
from dropcast.demo.director import Director
from dropcast.demo.scope import directory, interrupts
from dropcast.demo.screen import Screen
from dropcast.demo.verdict import Summary, judge
from dropcast.edge.tokens import mint
from dropcast.settings import Settings
from dropcast.store.connection import connect
from dropcast.store.keys import Keys
from dropcast.store.products import Products
from dropcast.store.shows import Shows
from dropcast.supervisor import Running

SANDBOX_SLOW_MS = 800
"""A payment that is slow for a person, and short enough for a short show."""


async def play(
    cast: Cast, *, workers: int, data_dir: Path | None, screen: Screen, log: IO[bytes] | None
) -> Summary:
    """Play the demo. `log` takes what all its processes write to stderr; None: where ours goes.

    Raises NeverOnAir, DoorFault, SettingsError and the engine's faults.
    """
    with directory(data_dir, "dropcast-demo-") as path:
        # Settings of the environment are for servers that are meant to last.
        settings = Settings(port=0, workers=workers, data_dir=str(path), sandbox_slow_ms=SANDBOX_SLOW_MS)
        screen.say("Starting the engine and the server ...")
        async with Running(settings, say=screen.say, log=log) as running:
            client, keys = connect(running.engine_url), Keys(settings.prefix)
            try:
                director = Director(
                    server=Server(url=running.url, token=partial(mint, running.secret, running.settings)),
                    shows=Shows(client, keys),
                    products=Products(client, keys),
                    cast=cast,
                    screen=screen,
                    log=log,
                )
                with interrupts(director.interrupted):
                    return judge(await director.run())
            finally:
                await client.aclose()
