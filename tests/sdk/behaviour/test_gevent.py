"""The sync shell under gevent's monkey patching, as Locust has it: the same tests, in a process of their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
TIMEOUT_S = 55


def test_the_sync_shell_behaves_the_same_under_gevent() -> None:
    command = [sys.executable, "-m", "tests.sdk.behaviour.under_gevent", "-p", "no:cacheprovider"]
    path = os.pathsep.join([str(ROOT), *sys.path])
    child = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert child.returncode == 0, child.stdout + child.stderr
    passed = re.search(r"(\d+) passed", child.stdout)
    assert passed is not None
    assert int(passed[1]) > 50, child.stdout
