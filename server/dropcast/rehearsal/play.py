"""One rehearsal from beginning to end: the server under test, Locust, the verdict, and nothing left of either."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

import msgspec

from dropcast.demo.play import SANDBOX_SLOW_MS
from dropcast.demo.scope import directory, interrupts
from dropcast.demo.verdict import find_logged
from dropcast.rehearsal.locust import run_locust
from dropcast.rehearsal.verdict import Verdict
from dropcast.settings import ENV_PREFIX, Settings
from dropcast.supervisor import Running

_CONNECTIONS_MAX = 1_000_000
"""The whole crowd comes from one address."""


class NeverPlayed(Exception):
    """There was no evening; the message says why."""


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What is rehearsed. None stands for what the evening has by itself."""

    evening: str
    users: int | None
    scalpers: int | None
    seconds: float | None
    seed: int
    processes: int
    workers: int
    web_port: int | None
    """Where Locust's web page is; None: the evening begins at once and without one."""
    url: str
    """A running server; empty: one of our own."""
    data_dir: Path | None
    audit: bool
    html: Path


class _Server(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    data_dir: Path | None
    environ: Mapping[str, str]


async def rehearse(
    wishes: Wishes, *, say: Callable[[str], None], server_log: IO[bytes], locust_log: IO[bytes]
) -> Verdict | None:
    """Rehearse. The logs take what the processes write to stderr. None: nobody began an evening on the web page.

    Raises NeverPlayed, SettingsError and the engine's faults.
    """
    interrupted = asyncio.Event()
    with directory(None, "dropcast-loadtest-") as scratch, interrupts(interrupted):
        async with _server(wishes, scratch, say, server_log) as server:
            verdict_file = scratch / "verdict.json"
            status = await run_locust(
                _options(wishes, server, verdict_file),
                server.environ,
                say=say,
                log=locust_log,
                interrupted=interrupted,
            )
        if not verdict_file.exists():
            if status == 0:
                return None
            raise NeverPlayed(f"Locust ended with status {status}")
        verdict = msgspec.json.decode(verdict_file.read_bytes(), type=Verdict)
    return _in_the_light_of(verdict, status, server_log)


@asynccontextmanager
async def _server(
    wishes: Wishes, scratch: Path, say: Callable[[str], None], log: IO[bytes]
) -> AsyncIterator[_Server]:
    if wishes.url:
        yield _Server(url=wishes.url, data_dir=wishes.data_dir, environ=os.environ)
        return
    data_dir = wishes.data_dir or scratch / "data"
    # Settings of the environment are for servers that are meant to last.
    settings = Settings(
        port=0,
        workers=wishes.workers,
        data_dir=str(data_dir),
        sandbox_slow_ms=SANDBOX_SLOW_MS,
        connections_per_address_max=_CONNECTIONS_MAX,
        log_level="warning",
    )
    say("Starting the engine and the server ...")
    async with Running(settings, say=say, log=log) as running:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
        yield _Server(
            url=running.url,
            data_dir=data_dir,
            environ={**environ, "DROPCAST_JWT_SECRET": running.secret},
        )


def _options(wishes: Wishes, server: _Server, verdict_file: Path) -> list[str]:
    given = {
        "--host": server.url,
        "--evening": wishes.evening,
        "--peak-users": wishes.users,
        "--scalpers": wishes.scalpers,
        "--evening-seconds": wishes.seconds,
        "--evening-seed": wishes.seed,
        "--data-dir": server.data_dir,
        "--html": wishes.html,
        "--verdict-file": verdict_file,
        "--processes": wishes.processes if wishes.processes > 1 else None,
        "--loglevel": "WARNING",
    }
    options = [text for name, value in given.items() if value is not None for text in (name, str(value))]
    if wishes.web_port is None:
        options += ["--headless", "--only-summary"]
    else:
        options += ["--web-host", "127.0.0.1", "--web-port", str(wishes.web_port)]
    return options if wishes.audit else [*options, "--no-audit"]


def _in_the_light_of(verdict: Verdict, status: int, server_log: IO[bytes]) -> Verdict:
    """What a server logged as an error is a failure, and so is an exit status that the verdict does not explain."""
    server_log.seek(0)
    failures = list(verdict.failures)
    logged = find_logged(server_log.read().decode(errors="replace").splitlines())
    if logged:
        failures.append(logged)
    if status and not failures:
        failures.append(f"Locust ended with status {status}")
    return msgspec.structs.replace(verdict, failures=failures)
