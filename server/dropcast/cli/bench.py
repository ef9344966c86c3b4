"""`dropcast bench`: hands everything on to the benches, which are a process and a distribution of their own."""

import importlib.util
import subprocess
import sys

import click

_PACKAGE = "dropcast_bench"
_DISTRIBUTION = "dropcast-loadtest[bench]"


@click.command(
    "bench",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
)
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="[NAME] [OPTIONS]")
def bench(args: tuple[str, ...]) -> None:
    """Measure what dropcast costs beside a floor, its peers and the usual way: fanout, reserve, flash, mixed, join,
    idle or stall; without a name all of them, briefly.

    `dropcast bench --help` lists the options. Each bench starts its own servers, on free ports of this machine.
    """
    if importlib.util.find_spec(_PACKAGE) is None:
        raise click.ClickException(f"the benches are not installed: pip install '{_DISTRIBUTION}'")
    sys.exit(subprocess.run([sys.executable, "-P", "-m", _PACKAGE, *args], check=False).returncode)
