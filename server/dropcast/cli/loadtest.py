"""`dropcast loadtest`: an evening rehearsed with Locust, on a server of its own or a running one."""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO

import click
import msgspec
from rich.console import Console

from dropcast.rehearsal.closing import render_verdict
from dropcast.rehearsal.locust import MissingLoadtest, require_loadtest
from dropcast.rehearsal.play import NeverPlayed, Wishes, rehearse
from dropcast.rehearsal.verdict import Verdict

_WEB_PORT = 8089
_REPORT = "loadtest-report.html"


@click.command("loadtest")
@click.option(
    "--evening",
    type=click.Choice(["small", "holiday", "soak"]),
    default="small",
    show_default=True,
    help="small and holiday ramp up, sell three drops to a spike each, and drain; soak is steady.",
)
@click.option("--users", type=click.IntRange(3, 100_000), help="Users at the peak.  [default: the evening's]")
@click.option("--seconds", type=click.FloatRange(4, 86_400), help="How long it is.  [default: the evening's]")
@click.option(
    "--scalpers", type=click.IntRange(0, 10_000), help="Users that are scalpers.  [default: one in fifty]"
)
@click.option(
    "--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes of Locust's."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Makes other people and another order.")
@click.option(
    "--web",
    "web_port",
    type=click.IntRange(1, 65_535),
    is_flag=False,
    flag_value=_WEB_PORT,
    metavar="[PORT]",
    help=f"Serve Locust's web page until Ctrl-C, and begin when asked there.  [port: {_WEB_PORT}]",
)
@click.option(
    "--url", default="", metavar="URL", help="Rehearse on this running server, not on one of our own."
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Workers of our own server."
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="With --url, the data directory of that server, to audit it. Otherwise where ours keeps its data, "
    "to look at afterwards.  [default: a temporary directory]",
)
@click.option("--no-audit", is_flag=True, help="Do without the audit at the end.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    default=_REPORT,
    show_default=True,
    metavar="FILE",
    help="Where Locust writes its report.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Progress on stderr, and one JSON object as the last line."
)
def loadtest(
    evening: str,
    users: int | None,
    seconds: float | None,
    scalpers: int | None,
    processes: int,
    seed: int,
    web_port: int | None,
    url: str,
    workers: int,
    data_dir: Path | None,
    no_audit: bool,
    html: Path,
    as_json: bool,
) -> None:
    """Rehearse an evening with Locust: viewers, scalpers and a creator on real websockets, then an audit.

    The status is 0 only when the books agree, nothing was oversold, and nobody missed an event or an answer. Ctrl-C
    ends the evening early, and the audit is held all the same.

    With --url it signs tokens with DROPCAST_JWT_SECRET, and audits by DROPCAST_REDIS_URL or --data-dir.
    """
    try:
        require_loadtest()
    except MissingLoadtest as error:
        raise click.ClickException(str(error)) from error
    wishes = Wishes(
        evening=evening,
        users=users,
        scalpers=scalpers,
        seconds=seconds,
        seed=seed,
        processes=processes,
        workers=workers,
        web_port=web_port,
        url=url,
        data_dir=data_dir,
        audit=not no_audit,
        html=html,
    )
    verdict = _rehearse(wishes, Console(stderr=as_json, highlight=False))
    if verdict is not None and as_json:
        click.echo(msgspec.json.encode(verdict))
    if verdict is not None and not verdict.passed:
        sys.exit(1)


def _rehearse(wishes: Wishes, console: Console) -> Verdict | None:
    def say(text: str) -> None:
        console.print(text, style="dim", markup=False, soft_wrap=True)

    if wishes.web_port is not None:
        say(f"Locust's web page will be at http://127.0.0.1:{wishes.web_port}")
    with tempfile.TemporaryFile() as server_log, tempfile.TemporaryFile() as locust_log:
        try:
            verdict = asyncio.run(rehearse(wishes, say=say, server_log=server_log, locust_log=locust_log))
        except NeverPlayed as error:
            _show(locust_log)
            raise click.ClickException(f"there was no evening: {error}") from error
        except asyncio.CancelledError as error:
            raise click.Abort from error
        finally:
            _show(server_log)
        if verdict is not None and not verdict.passed:
            _show(locust_log)
    if verdict is None:
        say("No evening was begun.")
    else:
        console.print(render_verdict(verdict))
        say(f"Locust's report: {wishes.html.resolve()}")
    return verdict


def _show(log: IO[bytes]) -> None:
    """What processes wrote to stderr must not tear the progress: it is kept, and shown afterwards."""
    log.seek(0)
    shutil.copyfileobj(log, sys.stderr.buffer)
    sys.stderr.flush()
