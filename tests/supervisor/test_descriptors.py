"""The limit of open files: raised to the need and no further, and a warning where that is not possible."""

import os
import resource
import subprocess
import sys

import pytest

from dropcast.edge.descriptors import Descriptors
from dropcast.settings import Settings
from dropcast.store.connection import CONNECTIONS_MAX
from dropcast.supervisor.descriptors import OWN_FILES, descriptors_needed, raise_limit

PROGRAM = """
import os, resource, sys
from dropcast.settings import Settings
from dropcast.supervisor.descriptors import raise_limit
soft, hard, user = map(int, sys.argv[1:4])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
if user:
    os.setuid(user)
print(raise_limit(Settings(connections_max=900, http_connections_max=100)))
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""
NEEDED = descriptors_needed(Settings(connections_max=900, http_connections_max=100))
NOBODY = 65_534
HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

pytestmark = pytest.mark.skipif(
    HARD != resource.RLIM_INFINITY and HARD <= NEEDED, reason="the hard limit of this machine is too low"
)


def raised(soft: int, hard: int, user: int = 0) -> list[str]:
    """Return the warning in a process of such limits, and its limits afterwards."""
    command = [sys.executable, "-c", PROGRAM, str(soft), str(hard), str(user)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_every_connection_needs_a_file_and_the_process_has_some_of_its_own() -> None:
    assert NEEDED == 1000 + OWN_FILES


def test_with_what_is_needed_a_worker_refuses_no_connection_that_the_settings_allow() -> None:
    engine, others = CONNECTIONS_MAX, 100
    for connections in range(1, 1001):
        assert not Descriptors(NEEDED).lacks(engine + others + connections - 1, connections)


@pytest.mark.parametrize(
    "user", [0, pytest.param(NOBODY, marks=pytest.mark.skipif(os.getuid() != 0, reason="not root"))]
)
def test_the_soft_limit_is_raised_to_the_need_and_the_hard_one_left(user: int) -> None:
    assert raised(128, HARD, user) == ["", f"{NEEDED} {HARD}"]


def test_a_limit_that_is_high_enough_is_left_as_it_is() -> None:
    assert raised(NEEDED + 1, HARD) == ["", f"{NEEDED + 1} {HARD}"]


def test_a_hard_limit_that_is_too_low_is_reached_and_told_with_the_cure() -> None:
    warning, limits = raised(128, 500)
    assert limits == "500 500"
    assert f"may have 500 files open at once, but 1,000 connections to a worker need {NEEDED:,}" in warning
    assert "LimitNOFILE" in warning
    assert "ulimit" in warning


def test_where_the_system_refuses_what_it_calls_unlimited_a_lower_limit_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_to: list[int] = []

    def set_as_macos_does(_kind: int, limits: tuple[int, int]) -> None:
        if limits[0] > 400:
            raise ValueError("not allowed to raise maximum limit")
        set_to.append(limits[0])

    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", set_as_macos_does)
    assert "may have 314 files" in raise_limit(Settings(connections_max=900, http_connections_max=100))
    assert set_to == [314]
