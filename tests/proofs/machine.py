"""The show's state machine against its model, in thousands of runs of random commands: no unit is lost or made.

The machine is the suite's own, tests/store/machine.py. Two processes share the runs, each with a seed and an engine
of its own; what breaks is shrunk and told by Hypothesis.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from dropcast.store.embedded import EmbeddedEngine
from tests.proofs.proof import Verdict
from tests.store.comparison import Engine
from tests.store.machine import ShowMachine

RUNS_FULL = 5_000
RUNS_SMALL = 200
PROCESSES = 2
STEPS = 25
_TAIL_CHARS = 4_000


async def prove(seed: int, *, full: bool) -> Verdict:
    share = (RUNS_FULL if full else RUNS_SMALL) // PROCESSES
    parts = await asyncio.gather(*(_part(PROCESSES * seed + part, share) for part in range(PROCESSES)))
    runs = sum(runs for runs, _ in parts)
    problems = [problem for _, found in parts for problem in found]
    if not problems and runs < PROCESSES * share:
        problems.append(f"{runs} runs were made, not {PROCESSES * share}")
    return Verdict(figures={"runs": runs, "steps_max": STEPS}, problems=problems)


async def _part(seed: int, runs: int) -> tuple[int, list[str]]:
    """Have a process of its own make `runs` runs. Return how many it made, and what broke."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.proofs.machine",
        str(seed),
        str(runs),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    if process.returncode != 0:
        return 0, [f"seed {seed}: {(out + err).decode(errors='replace')[-_TAIL_CHARS:]}"]
    return int(out.split()[-1]), []


def run(seed: int, runs: int) -> int:
    """Make `runs` runs on an engine of their own. Return how many were made; raises what broke."""
    made = 0

    class Counted(ShowMachine):
        def __init__(self) -> None:
            nonlocal made
            made += 1
            super().__init__()

    with tempfile.TemporaryDirectory(prefix="prove-") as name, EmbeddedEngine(Path(name)) as engine:
        shared = Engine(engine.url)
        Counted.engine = shared
        # What hypothesis.seed() sets, which takes functions only.
        Counted._hypothesis_internal_use_seed = seed
        chosen = settings(
            max_examples=runs,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=False,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        try:
            run_state_machine_as_test(Counted, settings=chosen)
        finally:
            shared.close()
    return made


if __name__ == "__main__":
    print(run(int(sys.argv[1]), int(sys.argv[2])))
