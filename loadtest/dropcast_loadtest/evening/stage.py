"""Before and after an evening, on Locust's master or its only process: the doors, and the closing of the books.

shape.py calls it. What it finds it tells as a line, as entries of Locust's, as the verdict file and as the exit status.
"""

import logging
import os
import secrets
import time
from pathlib import Path
from typing import Any

import gevent
import msgspec
from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner
from locust.stats import StatsEntry

from dropcast_loadtest.evening.books import AuditFault, audit, require_way
from dropcast_loadtest.evening.catalogue import CURRENCY
from dropcast_loadtest.evening.closing import Summary, Times, sum_up
from dropcast_loadtest.evening.door import Door, DoorFault
from dropcast_loadtest.evening.entries import BOOKS, DOOR, Entry, count_steps
from dropcast_loadtest.evening.notes import Notes
from dropcast_loadtest.evening.options import play, wishes_of
from dropcast_loadtest.evening.plan import PlanFault
from dropcast_loadtest.evening.tokens import NoSecret, here
from dropcast_loadtest.evening.users import ledger, notes
from dropcast_loadtest.evening.verdict import Evidence, Finding

_GONE_S = 30.0
"""How long to wait for the last reports of workers, which come every second."""
_POLL_S = 0.1

_log = logging.getLogger("dropcast_loadtest")


class StageFault(Exception):
    """The evening cannot begin; the message says why."""


class Stage:
    """One evening. Raises StageFault when it cannot begin."""

    def __init__(self, environment: Environment) -> None:
        assert environment.parsed_options is not None
        self._environment = environment
        self._notes: Notes = notes
        self.wishes = wishes_of(environment.parsed_options)
        self._most_users = 0
        self._most_by_class: dict[str, int] = {}
        self.end_s: float | None = None
        """When the show ended, counted from the beginning of the evening."""
        try:
            self.plan = self.wishes.plan
            self._door = Door(environment.host or "", here(self.wishes.data_dir))
            if not self.wishes.no_audit:
                require_way(self.wishes.data_dir, os.environ)
            self.show = f"rehearsal-{secrets.token_hex(4)}"
            self._door.fill_shelves()
            self._door.schedule(self.show, f"Rehearsal: {self.plan.evening}")
            if not self.wishes.no_audit:
                # Rather now than after an evening for nothing.
                audit(self.show, self.wishes.data_dir)
        except (AuditFault, DoorFault, NoSecret, PlanFault, ValueError) as fault:
            raise StageFault(str(fault)) from fault
        self._began_s = time.monotonic()
        play(environment.parsed_options, self.show, time.time())
        plan = self.plan
        self.say(
            f"{plan.users} users, {plan.scalpers} of them scalpers, {plan.seconds:g} s: show {self.show}"
        )

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._began_s

    def say(self, text: str) -> None:
        if self.wishes.progress_lines:
            print(msgspec.json.encode({"say": text}).decode(), flush=True)
        else:
            _log.info(text)

    def count_users(self) -> int:
        users = self._environment.runner.user_count if self._environment.runner is not None else 0
        if users > self._most_users:
            self._most_users = users
            self._most_by_class = _by_class(self._environment)
        return users

    @property
    def run_of_show_is_over(self) -> bool:
        """Whether every step was carried out, as far as workers have told."""
        figures = _figures(self._environment)
        said = count_steps({entry: times.count for entry, times in figures.items()})
        return said >= len(self.plan.steps)

    def end_show(self) -> None:
        """End the show, once: viewers pay what they hold."""
        if self.end_s is None:
            self.end_s = self.elapsed_s
            try:
                self._door.end(self.show)
            except DoorFault as fault:
                self._notes.fault(DOOR, str(fault))

    def show_largest_crowd(self) -> None:
        """Have Locust's report tell of the crowd at its largest, rather than of the empty house afterwards."""
        if self._environment.runner is not None:
            self._environment.runner.final_user_classes_count = self._most_by_class

    def await_reports(self) -> None:
        """Wait until all users are gone and every worker has told of their last moments."""
        runner = self._environment.runner
        if not isinstance(runner, MasterRunner):
            return
        told: set[str] = set()

        def on_report(client_id: str, data: dict[str, Any], **_: object) -> None:
            if data["user_count"] == 0:
                told.add(client_id)

        self._environment.events.worker_report.add_listener(on_report)
        try:
            with gevent.Timeout(_GONE_S, False):
                while not told >= {
                    worker.id for worker in runner.clients.all if worker.state != STATE_MISSING
                }:
                    gevent.sleep(_POLL_S)
        finally:
            self._environment.events.worker_report.remove_listener(on_report)

    def close(self) -> Summary:
        """Close the books: audit, verdict, exit status."""
        finding, fault = self._audit()
        figures = _figures(self._environment)
        evidence = Evidence(
            requests={entry: times.count for entry, times in figures.items()},
            promised=dict(ledger.counts),
            given_units=self.plan.units,
            steps=len(self.plan.steps),
            finding=finding,
            audit_fault=fault,
            exceptions=_exceptions(self._environment),
            interrupted=self.end_s is None or self.end_s < self.plan.seconds,
        )
        summary = sum_up(
            self.plan,
            evidence,
            figures,
            show=self.show,
            users=self._most_users,
            seconds=self.end_s or self.elapsed_s,
            currency=CURRENCY,
        )
        self._tell(summary)
        return summary

    def _audit(self) -> tuple[Finding | None, str]:
        if self.wishes.no_audit:
            return None, ""
        try:
            finding = audit(self.show, self.wishes.data_dir)
        except AuditFault as fault:
            self._notes.fault(BOOKS, f"no audit: {fault}")
            return None, str(fault)
        if finding.problems:
            self._notes.fault(BOOKS, "; ".join(finding.problems[:3]))
        else:
            self._notes.happened(BOOKS)
        return finding, ""

    def _tell(self, summary: Summary) -> None:
        for failure in summary.failures:
            _log.error("the rehearsal failed: %s", failure)
        self.say(f"The books: audit {summary.audit}, {summary.orders} orders, {summary.oversold} oversold.")
        if summary.failures:
            self._environment.process_exit_code = 1
        if self.wishes.verdict_file:
            Path(self.wishes.verdict_file).write_bytes(msgspec.json.encode(summary) + b"\n")


def _figures(environment: Environment) -> dict[Entry, Times]:
    assert environment.runner is not None
    return {Entry(one.method, one.name): _times(one) for one in environment.runner.stats.entries.values()}


def _by_class(environment: Environment) -> dict[str, int]:
    runner = environment.runner
    assert runner is not None
    return dict(
        runner.reported_user_classes_count if isinstance(runner, MasterRunner) else runner.user_classes_count
    )


def _exceptions(environment: Environment) -> list[str]:
    assert environment.runner is not None
    return [str(told["msg"]) for told in environment.runner.exceptions.values()]


def _times(one: StatsEntry) -> Times:
    return Times(
        count=one.num_requests,
        p50_ms=one.get_response_time_percentile(0.5),
        p95_ms=one.get_response_time_percentile(0.95),
        p99_ms=one.get_response_time_percentile(0.99),
    )
