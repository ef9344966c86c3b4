"""What the rounds of a bench have shown: medians, spreads and paired ratios, and whether its claims hold. Pure."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

import msgspec

BUSY_MAX = 0.7
"""How much of one core a contender may use."""

Figures = dict[str, float]
"""What one contender showed in one round. A figure of another size than the bench's main one ends in @size."""


class Claim(NamedTuple):
    """Something that must hold: `value` of the results is at most (or at least) `bound`."""

    says: str
    """As in "CPU per delivery, times the floor's, 2,000 viewers"."""
    value: Callable[["Results"], float | None]
    """None: what it is about was left out."""
    at_most: float | None = None
    at_least: float | None = None
    optional: bool = False
    """It is about a peer, and is not told when that was left out."""

    def judge(self, results: "Results") -> "Judged":
        value = self.value(results)
        holds = value is None or (
            (self.at_most is None or value <= self.at_most)
            and (self.at_least is None or value >= self.at_least)
        )
        return Judged(
            self.says, None if value is None else round(value, 3), self.bound, holds and value is not None
        )

    @property
    def bound(self) -> str:
        return f"at most {self.at_most:g}" if self.at_most is not None else f"at least {self.at_least:g}"


class Judged(msgspec.Struct, frozen=True):
    claim: str
    value: float | None
    bound: str
    holds: bool


class Results:
    """Figures by contender, one for each round."""

    def __init__(self) -> None:
        self.rounds: dict[str, list[Figures]] = {}
        self.left_out: dict[str, str] = {}
        """Contenders that could not take part, and why."""

    def add(self, contender: str, figures: Figures) -> None:
        self.rounds.setdefault(contender, []).append(figures)

    def median(self, contender: str, figure: str) -> float | None:
        values = self.values(contender, figure)
        return median(values) if values else None

    def values(self, contender: str, figure: str) -> list[float]:
        return [figures[figure] for figures in self.rounds.get(contender, []) if figure in figures]

    def ratio(self, figure: str, over: str, under: str, *, under_figure: str = "") -> float | None:
        """Return the median of `ratios`."""
        found = self.ratios(figure, over, under, under_figure=under_figure)
        return median(found) if found else None

    def ratios(self, figure: str, over: str, under: str, *, under_figure: str = "") -> list[float]:
        """Return, for each round, one contender's figure divided by another's of the same round."""
        pairs = zip(self.values(over, figure), self.values(under, under_figure or figure), strict=False)
        return [one / other for one, other in pairs if other]

    def figures(self) -> list[str]:
        """Return the names of all figures, in the order in which they came."""
        return list(dict.fromkeys(name for of in self.rounds.values() for one in of for name in one))


def report(bench: str, results: Results, claims: Sequence[Claim]) -> dict[str, Any]:
    """Return the object that a bench prints as its last line."""
    medians, spread = {}, {}
    for contender, rounds in results.rounds.items():
        names = list(dict.fromkeys(name for figures in rounds for name in figures))
        medians[contender] = {name: _rounded(median(results.values(contender, name))) for name in names}
        spread[contender] = {
            name: [_rounded(min(values)), _rounded(max(values))]
            for name in names
            if (values := results.values(contender, name))
        }
    return {
        "bench": bench,
        "rounds": max((len(rounds) for rounds in results.rounds.values()), default=0),
        "results": medians,
        "spread": spread,
        "left_out": results.left_out,
        "claims": [
            claim.judge(results) for claim in claims if not claim.optional or claim.value(results) is not None
        ],
        "notes": notes(results),
    }


def notes(results: Results) -> list[str]:
    """Return what a reader must know of the figures: who was too busy for its times to mean anything."""
    return [
        f"{contender}: {name} was up to {most:.2f} of a core, above {BUSY_MAX:g}: queueing shows in its times"
        for contender, rounds in results.rounds.items()
        for name in rounds[0]
        if name.startswith("busy") and (most := max(results.values(contender, name))) > BUSY_MAX
    ]


def _rounded(value: float) -> float:
    return float(f"{value:.4g}") if abs(value) < 1000 else round(value)
