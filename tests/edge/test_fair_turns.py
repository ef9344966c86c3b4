"""HTTP has its share of each turn of the loop, and what is beyond it comes in order in the next ones."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

from dropcast.edge.fair_turns import FairTurns


async def turns_of(done: list[int], until: int) -> list[int]:
    """Let the loop turn until so much is done; return how much was done after each turn."""
    after = [len(done)]
    while len(done) < until:
        await asyncio.sleep(0)
        after.append(len(done))
    return after


async def test_requests_begin_a_few_in_a_turn_and_in_order() -> None:
    turns = FairTurns()
    begun: list[int] = []

    def beginner(number: int) -> Callable[[], None]:
        return lambda: begun.append(number)

    for number in range(30):
        turns.begin(beginner(number))
    after = await turns_of(begun, 30)
    assert begun == list(range(30))
    assert after[0] == 2, "at once, as long as there are few"
    assert max(later - earlier for earlier, later in pairwise(after)) <= 2
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    turns.begin(beginner(99))
    assert begun[-1] == 99


async def test_what_is_parsed_in_a_turn_is_bounded_over_all() -> None:
    turns = FairTurns()
    parsed: list[int] = []

    def parser(number: int) -> Callable[[], None]:
        def parse() -> None:
            parsed.append(number)
            turns.parsed(5_000)

        return parse

    for number in range(20):
        if turns.may_parse:
            parser(number)()
        else:
            turns.parse_later(parser(number))
    after = await turns_of(parsed, 20)
    assert parsed == list(range(20))
    assert max(later - earlier for earlier, later in pairwise([0, *after])) <= 2


async def test_a_share_that_was_used_up_in_small_pieces_begins_anew_in_the_next_turn() -> None:
    turns = FairTurns()
    pieces = 0
    while turns.may_parse:
        turns.parsed(100)
        pieces += 1
        await asyncio.sleep(0)
    parsed: list[int] = []
    turns.parse_later(lambda: parsed.append(pieces))
    assert not parsed
    await asyncio.sleep(0)
    assert parsed == [82], "8 KiB in pieces of 100 bytes"
    assert turns.may_parse
