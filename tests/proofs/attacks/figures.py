"""What was measured of an attack, and whether its bounds held. Pure: figures in, sentences out."""

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

import msgspec

RATIO_MAX = 2.0
"""The buyers' p99 beside the attack, by their p99 beside as many pings: at most this ..."""
P99_FLOOR_MS = 10.0
"""... or this, whichever is more."""
CPU_RATIO_MAX = 2.0
CPU_SLACK = 0.15
"""Cores: what workers and engine may use more than before the attack, a second after its sockets were closed."""
_UNANSWERED_MS = 10_000.0


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A slice of time in which the attackers attacked, or only sent pings."""

    latencies_ms: list[float]
    """Of every request of the honest buyers that was due in it, from the moment at which it was due."""
    unanswered: int = 0
    """Requests of theirs that had no answer after ten seconds."""
    refused: int = 0
    """Those that were answered by an error."""
    asked: int = 0
    seconds: float = 1.0
    worker_growth_bytes: int = 0
    """How much more memory all workers had at most than before the slice."""
    engine_growth_bytes: int = 0
    goes_on: bool = False
    """Whether buyers still waited for answers ten seconds after its sockets were closed."""
    cpu_after: float = 0.0
    """Cores that workers and engine used, from one second after the sockets were closed to two."""

    @property
    def p99_ms(self) -> float:
        return quantile([*self.latencies_ms, *[_UNANSWERED_MS] * self.unanswered], 0.99)


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """The two slices that are compared; which came first alternates."""

    harmless: Part
    attack: Part


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    worker_bytes: int
    engine_bytes: int
    asked_min: int
    """Fewer in a slice are no attack."""
    cpu_before: float
    """Cores that workers and engine used while only the honest buyers were there."""

    @property
    def cpu_max(self) -> float:
        return max(CPU_RATIO_MAX * self.cpu_before, self.cpu_before + CPU_SLACK)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of all are not above; 0 of none."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else 0.0


def p99_ms(pairs: Sequence[Pair]) -> tuple[float, float]:
    """Return the buyers' p99 beside pings and beside the attack: the medians over the pairs."""
    return median(pair.harmless.p99_ms for pair in pairs), median(pair.attack.p99_ms for pair in pairs)


def judge(pairs: Sequence[Pair], bounds: Bounds) -> list[str]:
    """Return a sentence for each bound that did not hold.

    Time is judged by the medians over the pairs, since a machine that is busy elsewhere spoils single slices; memory
    by the largest growth, since no other work of the machine adds to it.
    """
    problems = []
    beside_pings, beside_attack = p99_ms(pairs)
    most_ms = max(RATIO_MAX * beside_pings, P99_FLOOR_MS)
    if beside_attack > most_ms:
        problems.append(
            f"the buyers' p99 is {beside_attack:.1f} ms, {beside_pings:.1f} ms beside pings: above {most_ms:.1f} ms"
        )
    if not all(part.latencies_ms for pair in pairs for part in (pair.harmless, pair.attack)):
        problems.append("the honest buyers bought nothing in a slice")
    unanswered = sum(pair.attack.unanswered for pair in pairs)
    if unanswered:
        problems.append(f"{unanswered} requests of the buyers had no answer")
    refused = sum(pair.attack.refused for pair in pairs)
    if refused:
        problems.append(f"{refused} requests of the buyers were answered by an error")
    if any(pair.attack.goes_on or pair.harmless.goes_on for pair in pairs):
        problems.append("ten seconds after its sockets were closed, buyers still waited for answers")
    for what, grown, most in (
        ("workers", max(pair.attack.worker_growth_bytes for pair in pairs), bounds.worker_bytes),
        ("engine", max(pair.attack.engine_growth_bytes for pair in pairs), bounds.engine_bytes),
    ):
        if grown > most:
            problems.append(f"the {what} grew by {_mib(grown)} MiB: above {_mib(most)} MiB")
    cpu_after = median(pair.attack.cpu_after for pair in pairs)
    if cpu_after > bounds.cpu_max:
        problems.append(
            f"a second after its sockets the attack still cost {cpu_after - bounds.cpu_before:.2f} of a core"
        )
    asked = min(pair.attack.asked for pair in pairs)
    if asked < bounds.asked_min:
        problems.append(
            f"the attackers asked {asked} times in a slice: below {bounds.asked_min} that is no attack"
        )
    return problems


def summary(pairs: Sequence[Pair], bounds: Bounds) -> dict[str, Any]:
    """Return the figures of all pairs, and what was judged."""
    beside_pings, beside_attack = p99_ms(pairs)
    return {
        "p99_ms_beside_pings": _each(pair.harmless.p99_ms for pair in pairs),
        "p99_ms": _each(pair.attack.p99_ms for pair in pairs),
        "p99_ms_median": [round(beside_pings, 1), round(beside_attack, 1)],
        "p50_ms": _each(quantile(pair.attack.latencies_ms, 0.5) for pair in pairs),
        "max_ms": _each(max(pair.attack.latencies_ms, default=0.0) for pair in pairs),
        "requests": sum(len(pair.attack.latencies_ms) for pair in pairs),
        "asked_per_s": _each(pair.attack.asked / pair.attack.seconds for pair in pairs),
        "worker_growth_mib": [_mib(pair.attack.worker_growth_bytes) for pair in pairs],
        "worker_growth_mib_beside_pings": [_mib(pair.harmless.worker_growth_bytes) for pair in pairs],
        "worker_growth_mib_max": _mib(bounds.worker_bytes),
        "engine_growth_mib": [_mib(pair.attack.engine_growth_bytes) for pair in pairs],
        "engine_growth_mib_max": _mib(bounds.engine_bytes),
        "cores_before": round(bounds.cpu_before, 2),
        "cores_after": [round(pair.attack.cpu_after, 2) for pair in pairs],
    }


def _each(values: Any) -> list[float]:
    return [round(value, 1) for value in values]


def _mib(count: int) -> float:
    return round(count / 2**20, 1)
