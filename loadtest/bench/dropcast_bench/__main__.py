"""`python -m dropcast_bench [NAME]`: plays one bench, or all of them, and prints what they show.

`compare` (compare.py) plays some of them against the server of another revision.
"""

import argparse
import signal
import sys
from collections.abc import Sequence

import msgspec
from rich.console import Console

from dropcast_bench import compare
from dropcast_bench.benches import fanout, flash, idle, join, mixed, reserve, stall
from dropcast_bench.results import report
from dropcast_bench.rounds import Bench, Size, play
from dropcast_bench.screen import line_of, render

BENCHES: dict[str, Bench] = {
    module.BENCH.name: module.BENCH for module in (fanout, reserve, flash, mixed, join, idle, stall)
}
_COMPARE = "compare"
_ROUNDS = 5


def main(argv: Sequence[str]) -> int:
    if argv[:1] == [_COMPARE]:
        return compare.main(argv[1:], BENCHES)
    options = _parser().parse_args(argv)
    # Progress goes to stderr: stdout is for what was found.
    progress = Console(stderr=True, highlight=False)
    console = Console(highlight=False)
    broken = 0
    for bench in [BENCHES[options.name]] if options.name else BENCHES.values():
        contenders = [
            contender
            for contender in bench.contenders(Size(small=options.small))
            if not options.only or contender.name in options.only.split(",")
        ]
        results = play(contenders, options.rounds, lambda text: progress.print(text, style="dim"))
        told = report(bench.name, results, bench.claims)
        if options.json:
            render(progress, told, bench.about)
            print(msgspec.json.encode(told).decode(), flush=True)
        elif options.name:
            render(console, told, bench.about)
        else:
            console.print(bench.name, style="bold")
            for claim in told["claims"]:
                console.print(line_of(claim))
        broken += sum(not claim.holds for claim in told["claims"])
    return 1 if options.check and broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dropcast bench",
        description="Measure what dropcast costs, on this machine.",
        epilog="compare --against REVISION measures the server of this checkout beside that of another commit",
    )
    parser.add_argument(
        "name", nargs="?", choices=sorted(BENCHES), help="which bench; without it all, briefly"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object as the last line (of each bench)"
    )
    parser.add_argument(
        "--rounds", type=int, default=_ROUNDS, help="rounds of all contenders in turn (default: 5)"
    )
    parser.add_argument("--only", default="", metavar="A,B", help="only these contenders")
    parser.add_argument(
        "--small", action="store_true", help="few viewers and short: shows that it works, no more"
    )
    parser.add_argument("--check", action="store_true", help="status 1 when a claim does not hold")
    return parser


if __name__ == "__main__":
    # Whoever is told to end takes the servers along. Under nohup SIGHUP stays ignored, as SIGINT does in a script.
    for each in (signal.SIGTERM, signal.SIGHUP):
        if each is signal.SIGTERM or signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, lambda number, frame: sys.exit(128 + number))
    sys.exit(main(sys.argv[1:]))
