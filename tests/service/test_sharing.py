"""Reads are shared, end with the last who waits for them, and run a few at once."""

import asyncio
import gc
import itertools

import pytest

from dropcast.domain.faults import EngineAway, RateLimited
from dropcast.service.sharing import ReadGate, SharedReads
from tests.support.wait import wait_until


class Reading:
    """A read that takes as long as the test wants."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self.given_up = 0
        self.may_end = asyncio.Event()

    async def read(self) -> int:
        self.begun += 1
        number = self.begun
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        self.ended += 1
        return number


async def test_all_who_ask_while_a_read_is_under_way_share_it() -> None:
    reads: SharedReads[int] = SharedReads()
    reading = Reading()
    waiting = [asyncio.create_task(reads.result("friday", reading.read)) for _ in range(50)]
    await wait_until(lambda: reading.begun)
    reading.may_end.set()
    assert await asyncio.gather(*waiting) == [1] * 50
    assert await reads.result("friday", reading.read) == 2
    assert len(reads) == 0


async def test_a_read_goes_on_while_anybody_waits_and_ends_with_the_last() -> None:
    reads: SharedReads[int] = SharedReads()
    reading = Reading()
    first, second = (asyncio.create_task(reads.result("friday", reading.read)) for _ in range(2))
    await wait_until(lambda: reading.begun)
    first.cancel()
    await asyncio.wait((first,))
    assert reading.given_up == 0
    second.cancel()
    await asyncio.wait((second,))
    await wait_until(lambda: reading.given_up == 1)
    assert len(reads) == 0
    reading.may_end.set()
    assert await reads.result("friday", reading.read) == 2


async def test_whoever_asks_after_a_write_gets_a_new_read() -> None:
    reads: SharedReads[int] = SharedReads()
    reading = Reading()
    before = asyncio.create_task(reads.result("friday", reading.read))
    await wait_until(lambda: reading.begun)
    reads.forget("friday")
    after = asyncio.create_task(reads.result("friday", reading.read))
    await wait_until(lambda: reading.begun == 2)
    reading.may_end.set()
    assert (await before, await after) == (1, 2)
    assert len(reads) == 0


async def test_a_fault_is_told_to_all_who_wait_and_is_not_kept() -> None:
    reads: SharedReads[int] = SharedReads()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise EngineAway("away")

    waiting = [asyncio.create_task(reads.result("friday", fail)) for _ in range(3)]
    for task in waiting:
        with pytest.raises(EngineAway):
            await task
    assert len(reads) == 0


async def test_a_gate_lets_a_few_run_some_wait_and_refuses_the_rest() -> None:
    refused: list[bool] = []
    gate = ReadGate(2, refused=lambda: refused.append(True), rest=0.0)
    reading = Reading()

    async def read() -> int:
        async with gate.turn():
            return await reading.read()

    tasks = [asyncio.create_task(read()) for _ in range(2 + 2 * 16 + 5)]
    await wait_until(lambda: len(refused) == 5)
    assert reading.begun == 2
    reading.may_end.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    limited = [result for result in results if isinstance(result, RateLimited)]
    assert len(limited) == 5
    assert limited[0].temporary
    assert reading.ended == 34


async def test_whoever_gives_up_waiting_for_a_turn_makes_room() -> None:
    gate = ReadGate(1, refused=lambda: None, rest=0.0)
    reading = Reading()

    async def read() -> int:
        async with gate.turn():
            return await reading.read()

    tasks = [asyncio.create_task(read()) for _ in range(17)]
    await wait_until(lambda: reading.begun == 1)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    reading.may_end.set()
    assert await asyncio.gather(*(read() for _ in range(10))) == list(range(2, 12))


async def test_a_gate_rests_for_a_multiple_of_the_time_that_was_read() -> None:
    gate = ReadGate(1, refused=lambda: None, rest=3.0)
    loop = asyncio.get_running_loop()

    async def read() -> float:
        async with gate.turn():
            began_s = loop.time()
            await asyncio.sleep(0.02)
            return began_s

    began_s = [await read() for _ in range(3)]
    assert all(later - sooner >= 0.079 for sooner, later in itertools.pairwise(began_s))


async def test_what_was_asked_goes_on_and_keeps_its_turn_when_nobody_waits() -> None:
    gate = ReadGate(1, refused=lambda: None, rest=0.0)
    first, second = Reading(), Reading()

    async def read(reading: Reading) -> int:
        async with gate.turn() as turn:
            return await turn.ask(reading.read())

    gone = asyncio.create_task(read(first))
    await wait_until(lambda: first.begun)
    gone.cancel()
    await asyncio.wait((gone,))
    waiting = asyncio.create_task(read(second))
    await asyncio.sleep(0.05)  # that nothing begins is what is shown
    assert second.begun == 0
    first.may_end.set()
    second.may_end.set()
    assert await waiting == 1
    assert (first.ended, first.given_up) == (1, 0)


async def test_a_fault_that_nobody_waits_for_is_nobodys_error(caplog: pytest.LogCaptureFixture) -> None:
    gate = ReadGate(1, refused=lambda: None, rest=0.0)
    may_fail = asyncio.Event()

    async def fail() -> None:
        await may_fail.wait()
        raise EngineAway("away")

    async def read() -> None:
        async with gate.turn() as turn:
            await turn.ask(fail())

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await read()
    may_fail.set()
    async with gate.turn():
        pass
    gc.collect()
    assert caplog.records == []
