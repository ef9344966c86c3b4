"""The locustfile of an evening: what Locust finds here are its users and its shape.

`loadtest/locustfile.py` is the same for a checkout, and `python -m dropcast_loadtest.evening` starts Locust with it.
"""

import os
import signal
from contextlib import suppress
from functools import cache
from typing import Any

import gevent
from locust import argument_parser, events, runners, stats
from locust.env import Environment

from dropcast_loadtest.evening.options import add_options, wishes_of
from dropcast_loadtest.evening.plan import PlanFault
from dropcast_loadtest.evening.shape import Evening
from dropcast_loadtest.evening.users import Creator, Scalper, Viewer, ledger
from dropcast_loadtest.sockets import allow_many_sockets

__all__ = ["Creator", "Evening", "Scalper", "Viewer"]

_LEDGER = "dropcast_ledger"

_CHARTED_MOMENTS = 120


def on_init(environment: Environment, **_: object) -> None:
    allow_many_sockets()
    assert environment.parsed_options is not None
    if isinstance(environment.runner, runners.WorkerRunner):
        events.report_to_master.add_listener(report)
        # Locust makes this dict anew for every option of every order to spawn: a third of a second each time, in
        # which nobody in this process would hear an event.
        argument_parser.default_args_dict = cache(argument_parser.default_args_dict)
        return
    shape = environment.shape_class
    assert isinstance(shape, Evening)
    events.test_stop.add_listener(shape.on_stop)
    events.quitting.add_listener(shape.on_quitting)
    events.worker_report.add_listener(take_report)
    wishes = wishes_of(environment.parsed_options)
    with suppress(PlanFault):  # the shape will tell
        # A short evening would be a few points in Locust's charts, and its spikes between them.
        stats.HISTORY_STATS_INTERVAL_SEC = min(5, max(1, round(wishes.plan.seconds / _CHARTED_MOMENTS)))
    if wishes.ends_with_input:
        gevent.spawn(_stop_at_end_of_input)


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


# Three seconds is long in an evening of one minute, and at its end everybody waits for the last report.
runners.WORKER_REPORT_INTERVAL = 1.0
stats.PERCENTILES_TO_CHART = [0.5, 0.95, 0.99]
events.init_command_line_parser.add_listener(add_options)
events.init.add_listener(on_init)
events.test_start.add_listener(on_start)
