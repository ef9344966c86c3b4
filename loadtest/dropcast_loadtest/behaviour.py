"""How people shop: a pure model of one viewer, seeded, so that the same seed makes the same people.

A person is told what happened (a drop opened, units came back, a hold was granted) and answers what they will do
and after how long. Nothing here knows sockets or tasks; viewer.py carries the decisions out.
"""

import random
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

APPROVE = "tok_approve"
DECLINE = "tok_decline"
SLOW = "tok_slow"


class Pace(NamedTuple):
    """How fast a show goes, and so how fast its people are."""

    reaction_s: float
    """The typical time between a card and a tap on it."""
    hold_s: float
    """How long a hold of this show lasts."""
    show_s: float
    """How long the show is to go on."""


class Tap(NamedTuple):
    delay_s: float
    qty: int
    twice: bool
    """A nervous finger: the same tap is sent twice, with the same key."""


class Intent(StrEnum):
    PAY = "pay"
    RELEASE = "release"
    ABANDON = "abandon"


class Ending(NamedTuple):
    """What becomes of a hold, and after how long."""

    intent: Intent
    delay_s: float
    payments: tuple[str, ...]
    """Payment tokens to try one after another until one is approved."""


class Reason(StrEnum):
    """Why a person looks at a drop again."""

    OPENED = "opened"
    RESTOCKED = "restocked"
    UPDATED = "updated"
    BROWSING = "browsing"


_TAPS = {Reason.OPENED: 0.72, Reason.RESTOCKED: 0.4, Reason.UPDATED: 0.25, Reason.BROWSING: 0.5}
"""How likely an average person is to tap, by reason."""


class Person:
    """One viewer's mind. Eagerness differs from person to person: some tap on everything, some only look."""

    def __init__(self, seed: int, number: int, pace: Pace) -> None:
        self._random = random.Random(f"{seed}/{number}")
        self._pace = pace
        self._eagerness = self._random.uniform(0.6, 1.3)
        self._favourite = self._random.random()
        self._reconnects = self._random.random() < 0.12

    def tap(self, reason: Reason) -> Tap | None:
        """Return when and how this person taps on a drop, or None when they let it pass."""
        if self._random.random() >= _TAPS[reason] * self._eagerness:
            return None
        delay_s = self._pace.reaction_s * self._random.lognormvariate(0.0, 0.6)
        qty = 2 if self._random.random() < 0.12 else 1
        return Tap(min(delay_s, 8 * self._pace.reaction_s), qty, self._random.random() < 0.04)

    def choose(self, stock: Mapping[str, int]) -> str:
        """Return the SKU to tap on. Most take what is left; some want their own size, left or not."""
        skus: Sequence[str] = tuple(stock)
        left = [sku for sku in skus if stock[sku] > 0]
        if left and self._random.random() < 0.75:
            return self._random.choice(left)
        return skus[int(self._favourite * len(skus))]

    def ending(self) -> Ending:
        """Return what this person does with a hold."""
        choice = self._random.random()
        hesitation_s = self._pace.hold_s * self._random.betavariate(1.5, 4.0)
        if choice < 0.14:
            return Ending(Intent.ABANDON, 0.0, ())
        if choice < 0.24:
            return Ending(Intent.RELEASE, hesitation_s, ())
        return Ending(Intent.PAY, hesitation_s, self._payments())

    def _payments(self) -> tuple[str, ...]:
        choice = self._random.random()
        if choice < 0.72:
            return (APPROVE,)
        if choice < 0.84:
            return (SLOW,)
        if choice < 0.94:
            return (DECLINE, APPROVE)
        return (DECLINE,)

    def tries_again(self) -> bool:
        """Whether a refusal for want of units makes this person tap once more at once."""
        return self._random.random() < 0.15

    def idle_s(self) -> float:
        """Return how long this person looks on before they browse through the older drops."""
        return self._pace.reaction_s * self._random.uniform(4.0, 16.0)

    def pick_drop(self, drops: Sequence[str]) -> str:
        """Return which of the open drops, the newest last, a browsing person looks at: mostly a new one."""
        position = min(int(self._random.expovariate(1.0)), len(drops) - 1)
        return drops[-1 - position]

    def reconnects_after_s(self) -> float | None:
        """Return how far into the show this person's connection breaks, or None when it never does."""
        return self._random.uniform(0.15, 0.85) * self._pace.show_s if self._reconnects else None
