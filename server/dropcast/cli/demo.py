"""`dropcast demo`: a live show with a crowd, on a server of its own that is gone afterwards."""

import asyncio
import shutil
import sys
import tempfile
from contextlib import AbstractContextManager
from importlib import resources
from pathlib import Path
from typing import IO

import click
import msgspec
from rich.console import Console

from dropcast.demo.cast import Cast
from dropcast.demo.closing import render_summary
from dropcast.demo.director import NeverOnAir
from dropcast.demo.door import DoorFault
from dropcast.demo.play import play
from dropcast.demo.processes import MissingCrowd, require_crowd
from dropcast.demo.run_of_show import NothingToSell, plan
from dropcast.demo.screen import LiveScreen, PlainScreen
from dropcast.demo.verdict import Summary, with_log
from dropcast.domain.shopify import ParsedCatalogue, parse

_WARNINGS_SHOWN = 3
_COLUMNS_MIN = 60


@click.command("demo")
@click.option(
    "--viewers", type=click.IntRange(1, 20_000), default=200, show_default=True, help="How many come."
)
@click.option(
    "--seconds", type=click.FloatRange(3, 3_600), default=20, show_default=True, help="How long the show is."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Progress on stderr, and one JSON object as the last line."
)
@click.option(
    "--catalogue",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    metavar="FILE.csv",
    help="Sell a Shopify product export of your own.",
)
@click.option("--currency", default="EUR", show_default=True, metavar="CODE", help="What the prices are in.")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Worker processes.")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Makes other people and another run of show."
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep the engine's data here, to look at afterwards.  [default: a temporary directory]",
)
def demo(
    viewers: int,
    seconds: float,
    as_json: bool,
    catalogue: Path | None,
    currency: str,
    workers: int,
    seed: int,
    data_dir: Path | None,
) -> None:
    """Watch a live show: a creator pins products, and a crowd on real websockets buys until nothing is left.

    Ends with an audit. The status is 0 only when the books agree, nothing was oversold, and every process ended well.
    Ctrl-C ends the show early, and the audit is held all the same.
    """
    try:
        require_crowd()
        parsed = _read(catalogue, currency)
        run_of_show = plan(parsed.products, viewers=viewers, seconds=seconds, seed=seed)
    except (MissingCrowd, NothingToSell) as error:
        raise click.ClickException(str(error)) from error
    cast = Cast(
        title="The dropcast demo" if catalogue is None else f"Live: {catalogue.stem}",
        currency=currency,
        products=parsed.products,
        plan=run_of_show,
        viewers=viewers,
        seconds=seconds,
        seed=seed,
    )
    summary = _play(cast, workers, data_dir, as_json)
    if as_json:
        click.echo(msgspec.json.encode(summary))
    if not summary.passed:
        sys.exit(1)


def _read(catalogue: Path | None, currency: str) -> ParsedCatalogue:
    if catalogue is None:
        raw = resources.files("dropcast.demo").joinpath("catalogue.csv").read_bytes()
    else:
        raw = catalogue.read_bytes()
    parsed = parse(raw, currency=currency)
    for warning in parsed.warnings[:_WARNINGS_SHOWN]:
        click.echo(f"Warning: {warning}", err=True)
    if len(parsed.warnings) > _WARNINGS_SHOWN:
        click.echo(f"Warning: and {len(parsed.warnings) - _WARNINGS_SHOWN} more such things", err=True)
    return parsed


def _play(cast: Cast, workers: int, data_dir: Path | None, as_json: bool) -> Summary:
    console = Console(stderr=as_json)
    live = not as_json and console.is_terminal and console.width >= _COLUMNS_MIN
    screen: AbstractContextManager[LiveScreen] | AbstractContextManager[PlainScreen]
    screen = LiveScreen(console) if live else PlainScreen(console.file)
    # What processes write to stderr must not tear the view: it is kept, judged, and shown afterwards.
    with tempfile.TemporaryFile() as log:
        try:
            with screen as entered:
                summary = asyncio.run(play(cast, workers=workers, data_dir=data_dir, screen=entered, log=log))
                summary = with_log(summary, _lines_of(log))
        except (NeverOnAir, DoorFault) as error:
            raise click.ClickException(f"there was no show: {error}") from error
        except asyncio.CancelledError as error:
            raise click.Abort from error
        finally:
            log.seek(0)
            shutil.copyfileobj(log, sys.stderr.buffer)
    console.print(render_summary(summary))
    return summary


def _lines_of(log: IO[bytes]) -> list[str]:
    log.seek(0)
    return log.read().decode(errors="replace").splitlines()
