"""What to start, stop and restart next, and when. Pure: it knows names and times, no processes.

The supervisor tells it what happened (`ready`, `ended`, `stop`, `hurry`) and does the steps that it answers.
Children stand in levels: a level starts when all below it have been ready, and stops when all above it are gone.

    WAITING --Start--> STARTING --ready--> READY      an end in any of these: WAITING again, after a pause
    STARTING, READY --Stop--> STOPPING --Kill--> KILLED      an end in these, or WAITING at a stop: GONE
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import NamedTuple

PAUSE_MIN_S = 0.1
PAUSE_MAX_S = 15.0
STEADY_S = 30.0
"""A child that was ready for this long has a clean slate again."""


def pause_s(failures: int) -> float:
    """Return how long to wait before the next start after `failures` ends in a row, in seconds.

    Without jitter: the children of one supervisor are few, and none waits for another's.
    """
    return min(PAUSE_MAX_S, PAUSE_MIN_S * 2.0 ** min(failures - 1, 30))


class Phase(Enum):
    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    KILLED = "killed"
    GONE = "gone"


class Start(NamedTuple):
    name: str


class Stop(NamedTuple):
    name: str


class Kill(NamedTuple):
    name: str


Step = Start | Stop | Kill


@dataclass(slots=True)
class Child:
    name: str
    phase: Phase = Phase.WAITING
    due_s: float = 0.0
    """When WAITING ends, or when patience with STOPPING does."""
    ready_s: float = inf
    failures: int = 0
    was_ready: bool = False


class Plan:
    def __init__(self, levels: Sequence[Sequence[str]], *, stop_s: float) -> None:
        """`levels` name the children, the first to start first. `stop_s`: how long one may take to stop."""
        self._levels = [[Child(name) for name in level] for level in levels]
        self._children = {child.name: child for level in self._levels for child in level}
        self._stop_s = stop_s
        self.stopping = False
        self.failure = ""
        """Why the children never all became ready, when that is so."""

    @property
    def up(self) -> bool:
        """Whether every child has been ready once."""
        return all(child.was_ready for child in self._children.values())

    @property
    def finished(self) -> bool:
        return self.stopping and all(child.phase is Phase.GONE for child in self._children.values())

    def phase(self, name: str) -> Phase:
        return self._children[name].phase

    # What happened -----------------------------------------------------------------------------------------

    def ready(self, name: str, now_s: float) -> None:
        child = self._children[name]
        if child.phase is Phase.STARTING:
            child.phase = Phase.READY
            child.ready_s = now_s
            child.was_ready = True

    def ended(self, name: str, now_s: float, how: str) -> float | None:
        """A child is no more. Return after how many seconds it starts again, or None.

        Before all have been ready once, an end is the failure of the whole: trying again would hide it.
        """
        child = self._children[name]
        if self.stopping:
            child.phase = Phase.GONE
            return None
        if not self.up:
            child.phase = Phase.GONE
            self.failure = how
            self.stop()
            return None
        child.failures = 1 if now_s - child.ready_s >= STEADY_S else child.failures + 1
        child.ready_s = inf
        child.phase = Phase.WAITING
        pause = pause_s(child.failures)
        child.due_s = now_s + pause
        return pause

    def stop(self) -> None:
        """Stop everything, the last level first."""
        self.stopping = True

    def hurry(self) -> None:
        """Stop everything, and kill at once what has not stopped."""
        self.stopping = True
        self._stop_s = 0.0
        for child in self._children.values():
            if child.phase is Phase.STOPPING:
                child.due_s = -inf

    # What to do --------------------------------------------------------------------------------------------

    def steps(self, now_s: float) -> list[Step]:
        """Return what is to be done now; each step is given once."""
        return list(self._stops(now_s) if self.stopping else self._starts(now_s))

    def wake_s(self) -> float:
        """Return when `steps` should be asked again though nothing happened; infinity for never."""
        timed = Phase.STOPPING if self.stopping else Phase.WAITING
        return min((c.due_s for c in self._children.values() if c.phase is timed), default=inf)

    def _starts(self, now_s: float) -> Iterator[Step]:
        for level in self._levels:
            for child in level:
                if child.phase is Phase.WAITING and now_s >= child.due_s:
                    child.phase = Phase.STARTING
                    yield Start(child.name)
            if not all(child.was_ready for child in level):
                return

    def _stops(self, now_s: float) -> Iterator[Step]:
        for child in self._children.values():
            if child.phase is Phase.WAITING:
                child.phase = Phase.GONE
        for level in reversed(self._levels):
            for child in level:
                if child.phase in (Phase.STARTING, Phase.READY):
                    child.phase = Phase.STOPPING
                    child.due_s = now_s + self._stop_s
                    yield Stop(child.name)
                elif child.phase is Phase.STOPPING and now_s >= child.due_s:
                    child.phase = Phase.KILLED
                    yield Kill(child.name)
            if not all(child.phase is Phase.GONE for child in level):
                return
