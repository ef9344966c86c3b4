"""A server has a core of its own while it is measured, and nothing is left placed afterwards."""

import os
import subprocess
import sys

import pytest

from dropcast_bench.placement import placed

CORES = sorted(os.sched_getaffinity(0))


@pytest.mark.skipif(len(CORES) < 2, reason="there is one core only")
def test_the_busiest_has_a_core_of_its_own() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as server:
        with placed([server.pid]):
            assert os.sched_getaffinity(server.pid) == {CORES[0]}
            assert os.sched_getaffinity(0) == set(CORES[1:])
        assert os.sched_getaffinity(0) == set(CORES)


def test_with_one_core_nobody_is_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {CORES[0]})
    with placed([os.getpid()]):
        pass
