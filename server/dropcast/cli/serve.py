"""`dropcast serve`: the supervisor in the foreground, until SIGINT or SIGTERM."""

import asyncio

from dropcast import logs
from dropcast.cli.options import settings_command
from dropcast.metrics import counts
from dropcast.settings import Settings
from dropcast.supervisor import say_error_on_stderr, say_on_stderr, serve_until_stopped


@settings_command("serve", takes_warnings=True)
def serve(settings: Settings, warnings: list[str]) -> None:
    """Run the engine and the workers until stopped by Ctrl-C or SIGTERM.

    Without --redis-url an engine of its own is started on the data directory, and every sale is on disk before it is
    answered. A second signal stops without waiting.
    """

    def on_dropped(severity: str, lines: int) -> None:
        counts.log_lines_dropped[severity] += lines

    logs.configure(
        level=settings.log_level,
        format=settings.log_format,
        worker="supervisor",
        secrets=[settings.jwt_secret],
        on_dropped=on_dropped,
    )
    if settings.log_format == "text":
        say, say_error = say_on_stderr, say_error_on_stderr
    else:
        say, say_error = logs.say, logs.say_error
    for warning in warnings:
        say(f"warning: {warning}")
    asyncio.run(serve_until_stopped(settings, say, say_error))
