"""`dropcast bench`: hands everything on to the benches, which are a process and a distribution of their own."""

import importlib.util
import os
import sys

import click

_PACKAGE = "dropcast_bench"
_DISTRIBUTION = "dropcast-loadtest[bench]"


@click.command("bench", context_settings={"ignore_unknown_options": True})
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="[NAME]")
def bench(args: tuple[str, ...]) -> None:
    """Measure what dropcast costs on this machine, beside a floor, its peers and the usual way.

    NAME is fanout, reserve, flash, mixed, join, idle or stall; without it all are played, briefly. Each starts its own
    servers on free ports, and plays its contenders in turn. `compare --against REVISION` measures the server of this
    checkout beside that of another commit.

    \b
    --json         one JSON object as the last line of stdout (of each bench)
    --rounds N     rounds of all contenders in turn, 5 by default
    --only A,B     only these contenders
    --small        few viewers and short: shows that it works, not what anything costs
    --check        status 1 when a claim does not hold
    """
    if importlib.util.find_spec(_PACKAGE) is None:
        raise click.ClickException(f"the benches are not installed: pip install '{_DISTRIBUTION}'")
    # In the place of this process: a signal that is meant for the bench must reach it, or its servers would stay.
    os.execv(sys.executable, [sys.executable, "-P", "-m", _PACKAGE, *args])
