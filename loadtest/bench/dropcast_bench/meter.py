"""CPU time of groups of processes over a stretch of time."""

import time
from collections.abc import Mapping, Sequence

from dropcast_bench import os_figures


class Meter:
    """Call it when the stretch begins and when it ends."""

    def __init__(self, groups: Mapping[str, Sequence[int]]) -> None:
        """`groups`: process ids by a name of ours."""
        self._groups = groups
        self._readings: list[tuple[float, dict[str, float]]] = []

    def __call__(self) -> None:
        cpu_s = {name: os_figures.cpu_s(pids) for name, pids in self._groups.items()}
        self._readings.append((time.perf_counter(), cpu_s))

    def cpu_s(self, group: str) -> float:
        (_, before), (_, after) = self._readings
        return after[group] - before[group]

    def share(self, group: str) -> float:
        """Return how much of one core the group used."""
        (began_s, _), (ended_s, _) = self._readings
        return self.cpu_s(group) / (ended_s - began_s)
