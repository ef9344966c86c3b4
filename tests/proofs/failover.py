"""A history that was lost is never passed off as the old one: replicas cut off and promoted, restarts, cut files.

The tests are those of the suite: an engine that wrote other events under the same numbers, with its viewers' epoch.
"""

from tests.proofs.proof import Verdict
from tests.proofs.suite import run_tests

FILES = ("tests/store/test_succession.py", "tests/store/test_epochs.py", "tests/service/test_failover.py")


async def prove(seed: int, *, full: bool) -> Verdict:
    rounds = 5 if full else 1
    passed, problems = 0, []
    for number in range(rounds):
        outcome = await run_tests(*FILES, "-p", "randomly", f"--randomly-seed={seed + number}")
        passed += outcome.passed
        problems += outcome.problems
    return Verdict(figures={"tests": passed, "rounds": rounds}, problems=problems)
