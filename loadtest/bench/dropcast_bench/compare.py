"""`compare --against REVISION`: what this checkout's server costs beside that of another revision, in one run.

The same client side measures both, and this checkout's twice, in turn and in another order each round. Sizes are
short: seven rounds of all benches take about a quarter of an hour.
"""

import argparse
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from dropcast_bench import revisions
from dropcast_bench.comparison import AGAIN, BENCHES, COSTS, OTHER, THIS, Compared, compare, order
from dropcast_bench.lines import LineFault
from dropcast_bench.ours import environ_of, served_from
from dropcast_bench.results import Figures, Results
from dropcast_bench.revisions import Revision, RevisionError
from dropcast_bench.rounds import Bench, Size
from dropcast_bench.servers import ServerFault

_ROUNDS = 7
_OURS = "dropcast"
Play = Callable[[str, str], Figures]
"""Plays a bench, by its name, against a side. Raises ServerFault, LineFault or OSError."""


def main(argv: Sequence[str], benches: Mapping[str, Bench]) -> int:
    """Compare, print what was found, and return the exit status."""
    options = _parser().parse_args(argv)
    progress = Console(stderr=True, highlight=False)
    chosen = [name for name in BENCHES if not options.only or name in options.only.split(",")]
    try:
        with _sides(options.against) as sides:
            play = _player(sides, benches, Size(small=options.small, short=True))
            found, left_out = play_rounds(
                chosen, options.rounds, play, lambda text: progress.print(text, style="dim")
            )
            told = report(sides[THIS].name, sides[OTHER].name, options.rounds, found, left_out)
    except RevisionError as error:
        progress.print(f"Error: {error}", style="red", markup=False)
        return 2
    if options.json:
        _render(progress, told)
        print(msgspec.json.encode(told).decode(), flush=True)
    else:
        _render(Console(highlight=False), told)
    is_dearer = any(compared.is_dearer for compared in told["costs"])
    return 1 if left_out or (options.check and is_dearer) else 0


def play_rounds(
    benches: Sequence[str], rounds: int, play: Play, say: Callable[[str], None]
) -> tuple[dict[str, Results], dict[str, str]]:
    """Play all rounds. Return the figures by bench and side, and the benches that could not be played, with why."""
    found = {name: Results() for name in benches}
    left_out: dict[str, str] = {}
    for number in range(rounds):
        for name in benches:
            if name in left_out:
                continue
            figures: dict[str, Figures] = {}
            for side in order(number):
                say(f"round {number + 1} of {rounds}: {name}, {side}")
                try:
                    figures[side] = play(name, side)
                except (ServerFault, LineFault, OSError) as fault:
                    left_out[name] = f"{side}: {fault}"
                    break
            else:
                # A round counts whole or not at all: what is compared has seen the same machine.
                for side, of in figures.items():
                    found[name].add(side, of)
    return found, left_out


def report(
    this: str, other: str, rounds: int, found: Mapping[str, Results], left_out: Mapping[str, str]
) -> dict[str, Any]:
    """Return the object that --json prints."""
    costs = [
        compared
        for cost in COSTS
        if cost.bench in found and (compared := compare(cost, found[cost.bench])) is not None
    ]
    figures = {
        bench: {
            side: {name: results.median(side, name) for name in results.figures()} for side in results.rounds
        }
        for bench, results in found.items()
    }
    return {
        "bench": "compare",
        "this": this,
        "against": other,
        "rounds": rounds,
        "costs": costs,
        "figures": figures,
        "left_out": dict(left_out),
    }


@contextlib.contextmanager
def _sides(against: str) -> Iterator[dict[str, Revision]]:
    with revisions.another(against) as other:
        this = revisions.this_checkout()
        for revision in (this, other):
            revisions.check(revision, environ_of(revision.code))
        yield {THIS: this, OTHER: other, AGAIN: this}


def _player(sides: Mapping[str, Revision], benches: Mapping[str, Bench], size: Size) -> Play:
    def play(name: str, side: str) -> Figures:
        (contender,) = (one for one in benches[name].contenders(size) if one.name == _OURS)
        with served_from(sides[side].code):
            return contender.play()

    return play


def _render(console: Console, told: Mapping[str, Any]) -> None:
    console.print(f"compare: this checkout ({told['this']}) against {told['against']}", style="bold")
    table = Table("cost", "unit")
    for title in ("this", "against", "ratio", "itself", "noise"):
        table.add_column(title, justify="right")
    table.add_column("verdict")
    for one in told["costs"]:
        table.add_row(*_row(one), style="red" if one.is_dearer else None)
    console.print(table)
    console.print(
        f"medians of {told['rounds']} rounds; itself: this checkout measured again, divided by this; noise: how far "
        "that is from 1 in half of the rounds",
        style="dim",
    )
    for name, why in told["left_out"].items():
        console.print(f"left out: {name}: {why}", style="yellow", markup=False)


def _row(one: Compared) -> tuple[str, ...]:
    return (
        one.name,
        one.unit,
        f"{one.this:,.4g}",
        f"{one.other:,.4g}",
        f"{one.ratio:.3f}",
        f"{one.self_ratio:.3f}",
        f"{one.noise:.1%}",
        one.verdict,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dropcast bench compare",
        description="Measure this checkout's server beside that of another revision, and beside itself.",
    )
    parser.add_argument(
        "--against", required=True, metavar="REVISION", help="a commit, tag or branch of this repository"
    )
    parser.add_argument(
        "--rounds", type=int, default=_ROUNDS, help=f"rounds of all three in turn (default: {_ROUNDS})"
    )
    parser.add_argument(
        "--only", default="", metavar="A,B", help=f"only these benches, of {', '.join(BENCHES)}"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    parser.add_argument(
        "--small", action="store_true", help="few viewers and short: shows that it works, no more"
    )
    parser.add_argument("--check", action="store_true", help="status 1 when something costs more")
    return parser
