"""The plan of an evening: how many people there are and what the creator does, both over time. Pure.

The load shape reads the curve and the creator reads the steps. Both are made here from the same moments, so that
the crowd is largest when a product is pinned. The same wishes give the same plan in every process.
"""

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from dropcast_loadtest.config import Step
from dropcast_loadtest.evening.catalogue import PRODUCTS, Product
from dropcast_loadtest.evening.curve import Curve, Point

USERS_MAX = 100_000
SECONDS_MIN, SECONDS_MAX = 4.0, 86_400.0

# A holiday evening, in shares of its time and of its largest crowd.
_DOORS = 0.15
_DROPS = ((0.28, 0.8), (0.48, 0.9), (0.68, 1.0))
"""When a product is pinned, and how large the crowd is by then."""
_RISE, _STAY, _FALL = 0.06, 0.03, 0.07
"""How long the crowd of a drop takes to come, stays, and takes to leave."""
_UNPIN_AFTER = 0.13
_WAITING, _WATCHING, _LEFT = 0.35, 0.6, 0.1
"""How many wait at the doors, watch between the drops, and are still there at the end."""
_DRAIN = 0.8
_LAST_CALL = 0.84

# A steady soak.
_SOAK_START, _SOAK_FULL, _SOAK_FROM, _SOAK_UNTIL, _SOAK_DRAIN = 0.05, 0.1, 0.12, 0.88, 0.9
_SOAK_DROP_S = 60.0
_SOAK_DROPS_MIN, _SOAK_DROPS_MAX = 3, 200

_UNITS_PER_USER = 0.2
"""Demand shall exceed supply: a drop sells out, and somebody is too late."""
_TOP_UP = 0.25
_LIMIT = 2


class PlanFault(ValueError):
    """No evening can be made of these wishes; the message says why."""


class Usual(NamedTuple):
    """What an evening is like unless told otherwise."""

    users: int
    seconds: float
    steady: bool = False


EVENINGS: Mapping[str, Usual] = {
    "small": Usual(users=200, seconds=45),
    "holiday": Usual(users=2_000, seconds=1_800),
    "soak": Usual(users=500, seconds=3_600, steady=True),
}

_SCALPERS_SHARE = 0.02


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    evening: str
    users: int
    """The creator, the scalpers and the viewers at the peak."""
    scalpers: int
    seconds: float
    curve: Curve
    steps: tuple[Step, ...]
    """The run of show, in the order of its times."""
    reaction_s: float
    """The typical time between a card and a tap on it."""
    hold_ms: int

    @property
    def units(self) -> int:
        """How many units the creator gives to all drops together."""
        return sum(sum(step.units.values()) for step in self.steps)

    @property
    def pins(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.act == "pin")

    def users_at(self, now_s: float) -> int:
        return self.curve.at(now_s)


@lru_cache(maxsize=8)
def plan(evening: str, *, users: int = 0, scalpers: int = -1, seconds: float = 0.0, seed: int = 1) -> Plan:
    """Plan an evening. `users` 0, `scalpers` -1 and `seconds` 0 stand for what is usual. Raises PlanFault."""
    if evening not in EVENINGS:
        raise PlanFault(f"an evening is one of {', '.join(EVENINGS)}, not {evening!r}")
    usual = EVENINGS[evening]
    users, seconds = users or usual.users, seconds or usual.seconds
    scalpers = max(1, round(users * _SCALPERS_SHARE)) if scalpers < 0 else scalpers
    if not SECONDS_MIN <= seconds <= SECONDS_MAX:
        raise PlanFault(f"an evening lasts {SECONDS_MIN:g} to {SECONDS_MAX:g} seconds")
    if not scalpers + 2 <= users <= USERS_MAX:
        raise PlanFault(
            f"with {scalpers} scalpers there are {scalpers + 2} to {USERS_MAX} users: one creates, one watches"
        )
    curve = _curve(_soak_points() if usual.steady else _holiday_points(), users, 1 + scalpers, seconds)
    hold_ms = round(min(60.0, max(1.0, 0.06 * seconds)) * 1000)
    drops = _soak_drops(seconds) if usual.steady else [moment for moment, _ in _DROPS]
    chosen = random.Random(seed).sample(PRODUCTS, len(PRODUCTS))
    steps = _opening(_SOAK_START if usual.steady else _DOORS)
    gap = (_SOAK_UNTIL - _SOAK_FROM) / len(drops) if usual.steady else 1.0
    for number, moment in enumerate(drops):
        units = round(curve.at(moment * seconds) * _UNITS_PER_USER)
        steps += _drop(number, moment, gap, chosen[number % len(chosen)], units, hold_ms)
    steps.append(Step(at_s=_LAST_CALL, act="announce", text="Last call: unpaid holds come back."))
    return Plan(
        evening=evening,
        users=users,
        scalpers=scalpers,
        seconds=seconds,
        curve=curve,
        steps=_timed(steps, seconds),
        reaction_s=min(1.2, 0.02 * seconds),
        hold_ms=hold_ms,
    )


def _curve(shares: Sequence[tuple[float, float]], users: int, fewest: int, seconds: float) -> Curve:
    """The creator and the scalpers are there from the first moment to the last."""
    return Curve([Point(at * seconds, max(fewest, round(share * users))) for at, share in shares])


def _holiday_points() -> list[tuple[float, float]]:
    points = [(0.0, 0.0), (_DOORS, _WAITING), (_DOORS + 0.05, _WATCHING)]
    for pin, crowd in _DROPS:
        stays = pin + _STAY
        points += [(pin - _RISE, _WATCHING), (pin, crowd), (stays, crowd), (stays + _FALL, _WATCHING)]
    return [*points, (_DRAIN, _WATCHING), (1.0, _LEFT)]


def _soak_points() -> list[tuple[float, float]]:
    return [(0.0, 0.0), (_SOAK_FULL, 1.0), (_SOAK_DRAIN, 1.0), (1.0, _LEFT)]


def _soak_drops(seconds: float) -> list[float]:
    span = _SOAK_UNTIL - _SOAK_FROM
    count = min(_SOAK_DROPS_MAX, max(_SOAK_DROPS_MIN, round(span * seconds / _SOAK_DROP_S)))
    return [_SOAK_FROM + number * span / count for number in range(count)]


def _opening(start: float) -> list[Step]:
    return [
        Step(at_s=start, act="start"),
        Step(at_s=start + 0.01, act="announce", text="Welcome! First come, first served."),
    ]


def _drop(number: int, pin: float, gap: float, product: Product, units: int, hold_ms: int) -> list[Step]:
    """Return all that happens around one drop. Times are shares of the evening still."""
    name, title = f"drop-{number}", product.title
    given = _share(units, product.skus)
    more = {product.skus[0]: max(1, round(sum(given.values()) * _TOP_UP))}
    return [
        Step(at_s=pin - min(_RISE, 0.4 * gap), act="announce", text=f"In a moment: {title}."),
        Step(
            at_s=pin,
            act="pin",
            drop=name,
            product=product.handle,
            units=given,
            limit=_LIMIT,
            hold_ms=hold_ms,
            text=title,
        ),
        Step(at_s=pin + min(_STAY, 0.4 * gap), act="top_up", drop=name, units=more, text=title),
        Step(at_s=pin + min(_UNPIN_AFTER, 0.95 * gap), act="unpin", drop=name, text=title),
    ]


def _share(units: int, skus: Sequence[str]) -> dict[str, int]:
    """Share out the units evenly, at least one to each SKU."""
    each, left = divmod(max(units, len(skus)), len(skus))
    return {sku: each + (number < left) for number, sku in enumerate(skus)}


def _timed(steps: Sequence[Step], seconds: float) -> tuple[Step, ...]:
    timed = [msgspec.structs.replace(step, at_s=step.at_s * seconds) for step in steps]
    return tuple(sorted(timed, key=lambda step: step.at_s))
