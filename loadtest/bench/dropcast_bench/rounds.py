"""The rounds of a bench: its contenders in turn, A B A B ..., so that all of them see the same machine."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from dropcast_bench.installed import is_here
from dropcast_bench.lines import LineFault
from dropcast_bench.results import Claim, Figures, Results
from dropcast_bench.servers import ServerFault


class Contender(NamedTuple):
    name: str
    play: Callable[[], Figures]
    """One round. Raises ServerFault or LineFault."""
    needs: str = ""
    """The module or the command without which it is left out."""


class Bench(NamedTuple):
    name: str
    about: str
    contenders: Callable[["Size"], Sequence[Contender]]
    claims: Sequence[Claim]


class Size(NamedTuple):
    """How much of a bench is played."""

    small: bool = False
    """So little that it shows only that the bench works, not what anything costs."""
    short: bool = False
    """As is compared: smaller, with what only a comparison asks for."""


def play(contenders: Sequence[Contender], rounds: int, say: Callable[[str], None]) -> Results:
    """Play all rounds. A contender that fails is named as left out from then on; `say` hears of progress."""
    results = Results()
    for number in range(rounds):
        for contender in contenders:
            if contender.name in results.left_out:
                continue
            if contender.needs and not is_here(contender.needs):
                results.left_out[contender.name] = f"{contender.needs} is not installed"
                continue
            say(f"round {number + 1} of {rounds}: {contender.name}")
            try:
                results.add(contender.name, contender.play())
            except (ServerFault, LineFault, OSError) as fault:
                results.left_out[contender.name] = str(fault)
    return results
