"""Proofs that are tests of the suite at another size: runs pytest as a process of its own and reads its last line."""

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_TAIL_CHARS = 4_000


class Outcome(NamedTuple):
    passed: int
    output: str
    problems: list[str]


async def run_tests(*arguments: str, **environment: str) -> Outcome:
    """Run pytest with these arguments. A failure, and that nothing was run, is a problem."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pytest",
        "-q",
        *arguments,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    raw, _ = await process.communicate()
    output = raw.decode(errors="replace")
    found = re.search(r"(\d+) passed", output)
    passed = int(found[1]) if found else 0
    fine = process.returncode == 0 and passed
    problems = (
        [] if fine else [f"{' '.join(arguments)} ended with {process.returncode}:\n{output[-_TAIL_CHARS:]}"]
    )
    return Outcome(passed, output, problems)
