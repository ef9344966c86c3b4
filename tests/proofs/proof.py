"""What every proof gives back, and what the runner asks of a proof's module.

A proof is a module of this folder with `async def prove(seed: int, *, full: bool) -> Verdict`. `full` is the size
that the project promises; without it the same proof in a size that fits a quick run. A module may say
`SEEDS = 20`: how many seeds a full run of everything takes.
"""

from typing import Any

import msgspec


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    figures: dict[str, Any]
    """What was measured or counted; its unit in its name."""
    problems: list[str]
    """A sentence for each thing that is wrong; empty when the proof holds."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """The one line of JSON that a proof ends with."""

    proof: str
    seed: int
    ok: bool
    figures: dict[str, Any]
