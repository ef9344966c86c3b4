"""The creator's evening: the run of show through the SDK, each step at its time and under a key of its own.

When the creator's process is lost in mid-show, Locust starts them anew somewhere else. They then say everything
again from the beginning: the keys make sure that nothing happens twice.
"""

import time
from collections.abc import Callable

from dropcast_client import CallError, Disconnected, DropcastError, OutcomeUnknown, SyncClient
from dropcast_loadtest.config import Step
from dropcast_loadtest.evening.door import Door, DoorFault
from dropcast_loadtest.evening.entries import CREATOR, DOOR, LOST, error, hosted, joined
from dropcast_loadtest.evening.notes import Notes
from dropcast_loadtest.evening.plan import Plan
from dropcast_loadtest.evening.visit import BACKOFF, ENTER_S

_TRIES = 5
_BETWEEN_TRIES_S = 0.5


class Host:
    def __init__(self, url: str, *, door: Door, show: str, token: str, notes: Notes) -> None:
        self._door = door
        self._show = show
        self._notes = notes
        self._client = SyncClient(url, token=token, connect_timeout_s=ENTER_S, backoff=BACKOFF)
        self._drops: dict[str, str] = {}

    def run(self, plan: Plan, elapsed_s: Callable[[], float]) -> None:
        """Carry out the run of show. `elapsed_s` tells how long the evening goes on already."""
        try:
            began_s = time.monotonic()
            self._client.connect()
            self._client.subscribe(self._show).ready(ENTER_S)
            self._notes.timed(joined(CREATOR), began_s)
        except (CallError, Disconnected, TimeoutError) as failure:
            self._notes.fault(LOST, str(failure))
            return
        for number, step in enumerate(plan.steps):
            time.sleep(max(0.0, step.at_s - elapsed_s()))
            self._carry_out(step, f"step-{number}")

    def leave(self) -> None:
        self._client.close()

    def _carry_out(self, step: Step, key: str) -> None:
        """Say a step until it is understood: the show must go on."""
        last, fault = "", LOST
        for attempt in range(_TRIES):
            if attempt:
                time.sleep(_BETWEEN_TRIES_S)
            began_s = time.monotonic()
            try:
                self._say(step, key)
            except (CallError, OutcomeUnknown, Disconnected, DoorFault) as failure:
                last = str(failure)
                fault = error(failure) if isinstance(failure, DropcastError) else DOOR
            else:
                self._notes.timed(hosted(step.act), began_s)
                return
        self._notes.fault(fault, f"{step.act}: {last}")

    def _say(self, step: Step, key: str) -> None:
        client, show = self._client, self._show
        match step.act:
            case "start":
                self._door.start(show)
            case "announce":
                client.announce(show=show, text=step.text, key=key)
            case "pin":
                done = client.pin(
                    show=show,
                    product=step.product,
                    units=step.units,
                    limit=step.limit,
                    hold_ms=step.hold_ms,
                    key=key,
                )
                self._drops[step.drop] = done.drop
            case "top_up":
                client.update(show=show, drop=self._drops.get(step.drop, ""), add_units=step.units, key=key)
            case "unpin":
                client.unpin(show=show, drop=self._drops.get(step.drop, ""), key=key)
            case other:
                raise ValueError(f"the run of show has no act {other!r}")
