"""The locustfile of an evening: what Locust finds here are its users and its shape.

`loadtest/locustfile.py` is the same for a checkout, and `python -m dropcast_loadtest.evening` starts Locust with it.
"""

import os
import signal
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.runners import WorkerRunner

from dropcast_loadtest.evening.options import add_options, wishes_of
from dropcast_loadtest.evening.shape import Evening
from dropcast_loadtest.evening.users import Creator, Scalper, Viewer, ledger
from dropcast_loadtest.sockets import allow_many_sockets

__all__ = ["Creator", "Evening", "Scalper", "Viewer"]

_LEDGER = "dropcast_ledger"

events.init_command_line_parser.add_listener(add_options)


@events.init.add_listener
def on_init(environment: Environment, **_: object) -> None:
    allow_many_sockets()
    assert environment.parsed_options is not None
    if isinstance(environment.runner, WorkerRunner):
        events.report_to_master.add_listener(report)
        return
    events.worker_report.add_listener(take_report)
    if wishes_of(environment.parsed_options).ends_with_input:
        gevent.spawn(_stop_at_end_of_input)


@events.test_start.add_listener
def on_start(**_: object) -> None:
    ledger.take()


def report(data: dict[str, Any], **_: object) -> None:
    """A worker tells what its users were promised since the last time."""
    data[_LEDGER] = ledger.take()


def take_report(data: dict[str, Any], **_: object) -> None:
    ledger.add(data.get(_LEDGER, {}))


def _stop_at_end_of_input() -> None:
    """Whoever started Locust holds the other end: when they are gone, nobody waits for the evening any more."""
    while gevent.get_hub().threadpool.apply(os.read, (0, 1)):
        pass
    os.kill(os.getpid(), signal.SIGINT)
