"""`python -m tests.proofs [NAME] [--seed N] [--seeds K] [--full | --small]`: run long, seeded proofs.

With a NAME that proof at full size, without one all of them in the size for CI. Each ends with one line of JSON
on stdout, {proof, seed, ok, figures}; what was wrong stands on stderr. Exit status 0 when all held, else 1.
"""

import argparse
import importlib
import subprocess
import sys
import time
import traceback
from typing import Any

import msgspec
import uvloop

from tests.proofs.proof import Line, Verdict

NAMES = (
    "oversell",
    "machine",
    "reconnects",
    "lost_replies",
    "power_loss",
    "deadlines",
    "stall",
    "drain",
    "hostile",
    "failover",
    "fuzz_http",
    "load",
)
_PROBLEMS_SHOWN = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proofs", description="Run long, seeded proofs.")
    parser.add_argument("name", nargs="?", choices=NAMES, help="which one; all of them when left out")
    parser.add_argument("--seed", type=int, help="the first seed; 1 when left out")
    parser.add_argument("--seeds", type=int, help="how many seeds, counted on from the first")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--full", action="store_true", help="the size that is promised, also for all of them")
    size.add_argument("--small", action="store_true", help="the size for CI, also for one of them")
    given = parser.parse_args()
    if given.name is None:
        return _all(given.seed or 1, full=given.full)
    full = not given.small
    first = 1 if given.seed is None else given.seed
    held = [_one(given.name, seed, full=full) for seed in range(first, first + (given.seeds or 1))]
    return 0 if all(held) else 1


def _all(seed: int, *, full: bool) -> int:
    """Run every proof in a process of its own, one after another: they share the machine's cores."""
    began_s = time.monotonic()
    failed = []
    for name in NAMES:
        seeds = getattr(_module(name), "SEEDS", 1) if full else 1
        command = [sys.executable, "-m", "tests.proofs", name, "--seed", str(seed), "--seeds", str(seeds)]
        status = subprocess.run([*command, "--full" if full else "--small"], check=False).returncode
        if status != 0:
            failed.append(name)
    took_s = time.monotonic() - began_s
    outcome = f"failed: {', '.join(failed)}" if failed else "all held"
    print(f"{len(NAMES)} proofs in {took_s:.0f} s, {outcome}", file=sys.stderr, flush=True)
    return 1 if failed else 0


def _one(name: str, seed: int, *, full: bool) -> bool:
    """Run one proof and print its line. What it raises is a failure like any other."""
    began_s = time.monotonic()
    try:
        verdict: Verdict = uvloop.run(_module(name).prove(seed, full=full))
    except Exception:
        verdict = Verdict(figures={}, problems=[traceback.format_exc()])
    for problem in verdict.problems[:_PROBLEMS_SHOWN]:
        print(f"{name}: {problem}", file=sys.stderr)
    if len(verdict.problems) > _PROBLEMS_SHOWN:
        print(f"{name}: and {len(verdict.problems) - _PROBLEMS_SHOWN} more", file=sys.stderr)
    sys.stderr.flush()
    figures = {**verdict.figures, "problems": len(verdict.problems), "took_s": _seconds(began_s)}
    line = Line(proof=name, seed=seed, ok=not verdict.problems, figures=figures)
    print(msgspec.json.encode(line).decode(), flush=True)
    return line.ok


def _seconds(since_s: float) -> float:
    return round(time.monotonic() - since_s, 1)


def _module(name: str) -> Any:
    return importlib.import_module(f"tests.proofs.{name}")


if __name__ == "__main__":
    sys.exit(main())
