"""What a comparison has shown: for each cost the medians of both servers, their ratio, and the noise. Pure.

Three servers are measured in each round: this checkout's, the other revision's, and this checkout's once more. How far
the two of this checkout are apart is what the machine does by itself.
"""

from collections.abc import Sequence
from itertools import permutations
from statistics import median
from typing import NamedTuple

import msgspec

from dropcast_bench.results import Figures, Results

THIS, OTHER, AGAIN = SIDES = ("this", "other", "again")
ALLOWED = 0.03
"""A ratio that is no farther from 1 than this is no difference."""
_ORDERS = tuple(permutations(SIDES))


class Cost(NamedTuple):
    """One thing that an operation costs: the sum of some figures of a bench."""

    name: str
    bench: str
    unit: str
    figures: tuple[str, ...]


def _cpu(suffix: str = "") -> tuple[str, ...]:
    return tuple(f"{part}cpu_us{suffix}" for part in ("", "engine_", "supervisor_"))


COSTS = (
    Cost("fanout", "fanout", "CPU us per delivery", ("cpu_us",)),
    Cost("reserve", "reserve", "CPU us per reserve", _cpu()),
    Cost("reserve, one at a time", "reserve", "CPU us per reserve", _cpu("@1")),
    Cost("join", "join", "CPU us per join", _cpu()),
    Cost("join, all come back", "join", "CPU us per join", _cpu("@back")),
    Cost(
        "idle",
        "idle",
        "percent of a core",
        ("core_percent", "engine_core_percent", "supervisor_core_percent"),
    ),
    Cost("idle, memory", "idle", "KiB per viewer", ("rss_kib_per_viewer",)),
)
"""CPU is that of all processes of a server, engine and supervisor included."""
BENCHES = tuple(dict.fromkeys(cost.bench for cost in COSTS))


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    unit: str
    this: float
    other: float
    ratio: float
    """This divided by other: the median over the rounds, each with the mean of both measurements of this."""
    self_ratio: float
    """The median over the rounds of this measured again, divided by this."""
    noise: float
    """How far this measured again is from this, in half of the rounds at most."""
    verdict: str

    @property
    def is_dearer(self) -> bool:
        return self.verdict == DEARER


SAME, NOISY, CHEAPER, DEARER = "within 3%", "within the noise", "cheaper", "DEARER"


def order(round_number: int) -> tuple[str, ...]:
    """Return in which order the sides play a round, so that none is always the first or the last."""
    return _ORDERS[round_number % len(_ORDERS)]


def compare(cost: Cost, found: Results) -> Compared | None:
    """Return what the rounds say of a cost; None when a side did not play, or does not have the figures."""
    rounds = [
        values
        for sides in zip(*(found.rounds.get(side, []) for side in SIDES), strict=False)
        if (values := _values(cost, sides)) is not None
    ]
    if not rounds:
        return None
    this, other, again = zip(*rounds, strict=True)
    ratio = median((a + c) / 2 / b for a, b, c in rounds)
    self_ratios = [c / a for a, _, c in rounds]
    noise = median(abs(one - 1) for one in self_ratios)
    return Compared(
        name=cost.name,
        unit=cost.unit,
        this=median((*this, *again)),
        other=median(other),
        ratio=ratio,
        self_ratio=median(self_ratios),
        noise=noise,
        verdict=_verdict(ratio, noise),
    )


def _values(cost: Cost, sides: Sequence[Figures]) -> tuple[float, float, float] | None:
    try:
        this, other, again = (sum(figures[name] for name in cost.figures) for figures in sides)
    except KeyError:
        return None
    return (this, other, again) if min(this, other, again) > 0 else None


def _verdict(ratio: float, noise: float) -> str:
    difference = abs(ratio - 1)
    if difference <= ALLOWED:
        return SAME
    if difference <= noise:
        return NOISY
    return DEARER if ratio > 1 else CHEAPER
