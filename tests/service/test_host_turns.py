"""Turns of host commands: two at a time for each show, in order, and so many that wait."""

import asyncio

import pytest

from dropcast.domain.faults import RateLimited
from dropcast.metrics import counts
from dropcast.service.host_turns import HostTurns
from tests.support.wait import wait_until


class Commands:
    """Commands that stay at the engine until they are let go."""

    def __init__(self, most: int = 64) -> None:
        self.turns = HostTurns(most)
        self.sent: list[int] = []
        self.gates: dict[int, asyncio.Event] = {}

    def begin(self, number: int, show: str = "friday") -> "asyncio.Task[None]":
        self.gates[number] = asyncio.Event()
        return asyncio.create_task(self._send(number, show))

    async def _send(self, number: int, show: str) -> None:
        async with self.turns.turn(show):
            self.sent.append(number)
            await self.gates[number].wait()


async def test_two_commands_of_a_show_are_sent_and_the_others_follow_in_order() -> None:
    commands = Commands()
    tasks = [commands.begin(number) for number in range(4)]
    await wait_until(lambda: commands.sent == [0, 1])
    commands.gates[1].set()
    await wait_until(lambda: commands.sent == [0, 1, 2])
    for gate in commands.gates.values():
        gate.set()
    await asyncio.gather(*tasks)
    assert commands.sent == [0, 1, 2, 3]


async def test_a_show_does_not_wait_for_another_one() -> None:
    commands = Commands()
    tasks = [commands.begin(number) for number in range(3)]
    tasks.append(commands.begin(3, "saturday"))
    await wait_until(lambda: 3 in commands.sent)
    assert 2 not in commands.sent
    for gate in commands.gates.values():
        gate.set()
    await asyncio.gather(*tasks)


async def test_one_command_too_many_is_refused_and_one_that_has_ended_makes_room() -> None:
    commands = Commands(most=3)
    before = counts.limited["host_commands_waiting_max"]
    tasks = [commands.begin(number) for number in range(3)]
    await wait_until(lambda: commands.sent == [0, 1])
    with pytest.raises(RateLimited):
        await commands.begin(3)
    assert counts.limited["host_commands_waiting_max"] == before + 1
    commands.gates[0].set()
    await tasks[0]
    tasks.append(commands.begin(4))
    for gate in commands.gates.values():
        gate.set()
    await asyncio.gather(*tasks)
    assert commands.sent == [0, 1, 2, 4]


async def test_a_command_that_fails_or_is_given_up_gives_its_turn_back() -> None:
    commands = Commands(most=2)
    tasks = [commands.begin(number) for number in range(2)]
    await wait_until(lambda: commands.sent == [0, 1])
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    last = commands.begin(2)
    commands.gates[2].set()
    await last
    assert commands.sent == [0, 1, 2]
