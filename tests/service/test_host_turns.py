"""Few commands of one host are with the engine at once; the others wait in order, and not without end."""

import asyncio

import pytest

from dropcast.domain.faults import RateLimited
from dropcast.domain.viewer import Role, Viewer
from dropcast.metrics import counts
from dropcast.service.host_turns import UNDER_WAY_MAX, HostTurns
from tests.support.wait import wait_until

CLEO = Viewer(id="cleo", role=Role.CREATOR)
MO = Viewer(id="mo", role=Role.MODERATOR)
OLGA = Viewer(id="olga", role=Role.OPERATOR)


class Commands:
    """Commands that take a turn each, and then go on until they are let."""

    def __init__(self, waiting_max: int = 3) -> None:
        self.turns = HostTurns(waiting_max)
        self.begun: list[int] = []
        self._may_end = asyncio.Semaphore(0)

    async def carry_out(self, number: int, host: Viewer = CLEO) -> None:
        async with self.turns.turn(host):
            self.begun.append(number)
            await self._may_end.acquire()

    async def are_begun(self, count: int) -> None:
        await wait_until(lambda: len(self.begun) == count)

    def end_one(self) -> None:
        self._may_end.release()


async def test_two_are_under_way_and_the_others_follow_in_order() -> None:
    commands = Commands()
    tasks = [asyncio.create_task(commands.carry_out(number)) for number in range(5)]
    for ended in range(4):
        await commands.are_begun(min(5, UNDER_WAY_MAX + ended))
        commands.end_one()
    commands.end_one()
    await asyncio.gather(*tasks)
    assert commands.begun == [0, 1, 2, 3, 4]


async def test_one_more_than_may_wait_is_refused_and_others_are_not_kept() -> None:
    commands, hits = Commands(), counts.limited["host_commands_waiting_max"]
    tasks = [asyncio.create_task(commands.carry_out(number)) for number in range(UNDER_WAY_MAX + 3)]
    await wait_until(lambda: len(commands.begun) == UNDER_WAY_MAX)
    with pytest.raises(RateLimited):
        await commands.carry_out(9)
    assert counts.limited["host_commands_waiting_max"] == hits + 1
    tasks.append(asyncio.create_task(commands.carry_out(10, MO)))
    tasks += [asyncio.create_task(commands.carry_out(11, OLGA)) for _ in range(20)]
    await wait_until(lambda: len(commands.begun) == UNDER_WAY_MAX + 1 + 20)
    for _ in tasks:
        commands.end_one()
    await asyncio.gather(*tasks)


async def test_who_fails_or_stops_waiting_leaves_the_turn_to_the_next() -> None:
    commands = Commands()
    tasks = [asyncio.create_task(commands.carry_out(number)) for number in range(4)]
    await wait_until(lambda: len(commands.begun) == UNDER_WAY_MAX)
    for task in (tasks[0], tasks[2]):
        task.cancel()
    await wait_until(lambda: commands.begun == [0, 1, 3])
    for _ in range(2):
        commands.end_one()
    await asyncio.gather(*tasks, return_exceptions=True)
    # Nothing is kept of a host who has nothing under way.
    assert commands.turns._lines == {}
