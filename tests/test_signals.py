"""The signals that end a command: those that were ignored at its start are not among them."""

import signal
import subprocess
import sys

import pytest

PROGRAM = "from dropcast.signals import stop_signals; print(*(number.name for number in stop_signals()))"


def stop_signals_with(*ignored: signal.Signals) -> str:
    start = (
        f"import os, signal, sys; [signal.signal(number, signal.SIG_IGN) for number in {[int(n) for n in ignored]}];"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    command = [sys.executable, "-c", start, sys.executable, "-c", PROGRAM]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("ignored", "taken"),
    [
        ((), "SIGTERM SIGINT SIGHUP"),
        ((signal.SIGHUP,), "SIGTERM SIGINT"),
        ((signal.SIGINT,), "SIGTERM SIGHUP"),
        ((signal.SIGINT, signal.SIGHUP, signal.SIGTERM), "SIGTERM"),
    ],
)
def test_what_was_ignored_at_the_start_stays_ignored_but_for_sigterm(
    ignored: tuple[signal.Signals, ...], taken: str
) -> None:
    assert stop_signals_with(*ignored) == taken
