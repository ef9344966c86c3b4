"""The people of an evening as Locust knows them. Each class is a thin shell: who they are, and how they leave.

A user whose visit has ended stays idle until Locust stops it, for Locust would put another in its place.
"""

import itertools
import logging
import time
from typing import Protocol

import gevent
from locust import User, events, task
from locust.env import Environment

from dropcast_loadtest.behaviour import Pace, Person
from dropcast_loadtest.evening.addresses import live_url
from dropcast_loadtest.evening.door import CREATOR, Door
from dropcast_loadtest.evening.entries import Entry
from dropcast_loadtest.evening.hosting import Host
from dropcast_loadtest.evening.ledger import Ledger
from dropcast_loadtest.evening.notes import Notes
from dropcast_loadtest.evening.options import Wishes, wishes_of
from dropcast_loadtest.evening.scalping import Scalper as ScalperCrew
from dropcast_loadtest.evening.shopper import Shopper
from dropcast_loadtest.evening.tokens import here
from dropcast_loadtest.evening.visit import Visit

_log = logging.getLogger("dropcast_loadtest")

_IDLE_S = 3_600.0
_TOKEN_SPARE_S = 3_600.0
_NUMBERS_PER_WORKER = 10_000_000

ledger = Ledger()
"""Of this process."""
_numbers = itertools.count()


def _fire(entry: Entry, duration_ms: float | None, fault: Exception | None) -> None:
    events.request.fire(
        request_type=entry.type,
        name=entry.name,
        response_time=duration_ms,
        response_length=0,
        exception=fault,
        context={},
    )


notes = Notes(_fire, ledger)


class _Part(Protocol):
    def leave(self) -> None: ...


class _Guest(User):
    """Whoever has a part in the evening, which begins when Locust starts them."""

    abstract = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        assert environment.parsed_options is not None
        self.wishes: Wishes = wishes_of(environment.parsed_options)
        self.plan = self.wishes.plan
        self.minter = here(self.wishes.data_dir)
        self.url = live_url(environment.host or "")
        self.number = _number(environment)
        self._part: _Part | None = None

    @task
    def attend(self) -> None:
        try:
            self.take_part()
        except Exception as failure:
            # Locust would begin the task again, and so put a second viewer beside the first.
            _log.exception("a %s failed", type(self).__name__)
            events.user_error.fire(user_instance=self, exception=failure, tb=failure.__traceback__)
        while True:
            gevent.sleep(_IDLE_S)

    def take_part(self) -> None:
        raise NotImplementedError

    def on_stop(self) -> None:
        if self._part is not None:
            self._part.leave()

    def elapsed_s(self) -> float:
        """Return how long the evening goes on already."""
        return time.time() - self.wishes.began_at_s

    def token(self, viewer: str, role: str = "viewer") -> str:
        return self.minter.mint(viewer, role, self.plan.seconds + _TOKEN_SPARE_S)


class Viewer(_Guest):
    """Joins, watches, taps with a human delay, pays or lets go; some lines break."""

    weight = 1

    def take_part(self) -> None:
        plan = self.plan
        pace = Pace(
            reaction_s=plan.reaction_s,
            hold_s=plan.hold_ms / 1000,
            show_s=max(1.0, plan.seconds - self.elapsed_s()),
        )
        person = Person(self.wishes.evening_seed, self.number, pace)
        visit = self._part = Visit(
            self.url,
            show=self.wishes.show,
            token=self.token(f"viewer-{self.number}"),
            number=self.number,
            shopper=Shopper(person, time.monotonic()),
            notes=notes,
        )
        visit.run()


class Scalper(_Guest):
    """Many sockets, and no delay between taps. How many there are is the master's to say, see shape.py."""

    fixed_count = 1

    def take_part(self) -> None:
        crew = self._part = ScalperCrew(
            self.url,
            show=self.wishes.show,
            name=f"scalper-{self.number}",
            token=self.token,
            notes=notes,
        )
        crew.run()


class Creator(_Guest):
    """Carries out the run of show. There is one, wherever Locust puts them."""

    fixed_count = 1

    def take_part(self) -> None:
        host = self._part = Host(
            self.url,
            door=Door(self.url, self.minter),
            show=self.wishes.show,
            token=self.token(CREATOR, "creator"),
            notes=notes,
        )
        host.run(self.plan, self.elapsed_s)


def _number(environment: Environment) -> int:
    """Return a number that no other user of this run has, in whatever process."""
    index = getattr(environment.runner, "worker_index", 0)
    return index * _NUMBERS_PER_WORKER + next(_numbers)
