"""An alarm rings once, at the earliest time it was set to; on uvloop too, where a past time makes a plain handle."""

import asyncio
from collections.abc import Callable

import pytest
import uvloop

from dropcast.domain.events import StockLine
from dropcast.service.alarm import Alarm
from dropcast.service.stock import StockByDrop, StockTeller

LOOPS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])


@LOOPS
def test_the_earliest_time_counts(run: Callable[..., None]) -> None:
    async def main() -> None:
        rung = asyncio.Event()
        alarm = Alarm(rung.set)
        now_s = asyncio.get_running_loop().time()
        alarm.set(now_s + 3600)
        alarm.set(now_s)
        alarm.set(now_s + 7200)
        async with asyncio.timeout(5):
            await rung.wait()

    run(main())


@LOOPS
def test_a_cancelled_alarm_is_silent_and_can_be_set_again(run: Callable[..., None]) -> None:
    async def main() -> None:
        rings: list[int] = []
        alarm = Alarm(lambda: rings.append(1))
        now_s = asyncio.get_running_loop().time()
        alarm.set(now_s)
        alarm.cancel()
        await asyncio.sleep(0.01)
        assert rings == []
        alarm.set(now_s)
        await asyncio.sleep(0.01)
        assert rings == [1]

    run(main())


@LOOPS
def test_stock_is_conflated_and_waits_while_the_room_is_written(run: Callable[..., None]) -> None:
    async def main() -> None:
        told: list[StockByDrop] = []
        is_free = False

        def tell(units: StockByDrop) -> bool:
            if is_free:
                told.append(units)
            return is_free

        teller = StockTeller(interval_ms=1, urgent_units=5, tell=tell)
        for free in (9, 8, 3, 0):
            teller.mark([StockLine("d", "A", free)])
            teller.mark([StockLine("d", "B", 50 + free)])
        await asyncio.sleep(0.05)
        assert told == []
        is_free = True
        async with asyncio.timeout(5):
            while not told:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert told == [{"d": {"A": 0, "B": 50}}]
        teller.stop()

    run(main())
