"""`dropcast serve`: the supervisor in the foreground, until SIGINT or SIGTERM."""

import asyncio
import logging

from dropcast.cli.options import settings_command
from dropcast.settings import Settings
from dropcast.supervisor import serve_until_stopped


@settings_command("serve")
def serve(settings: Settings) -> None:
    """Run the engine and the workers until stopped by Ctrl-C or SIGTERM.

    Without --redis-url an engine of its own is started on the data directory, and every sale is on disk before it is
    answered. A second signal stops without waiting.
    """
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s supervisor %(levelname)s %(name)s: %(message)s"
    )
    asyncio.run(serve_until_stopped(settings))
