"""Holds end by themselves: in shows that a worker follows, and by the lease in shows that nobody does."""

import asyncio

from tests.service.conftest import Parts
from tests.support.engine import Stall, a_drop, reserve
from tests.support.wait import wait_until


async def test_a_followed_show_is_swept_at_its_next_deadline(parts: Parts, stall: Stall) -> None:
    await parts.stage.enter(stall.show)
    await stall.shows.pin(stall.show, a_drop("d2", hold_ms=300))
    granted = await stall.granted(reserve("h1", drop="d2"))

    async def expired() -> bool:
        hold = await stall.shows.hold(stall.show, "h1")
        return hold is not None and hold.state.value == "expired"

    await wait_until(expired)
    entry = (await stall.journal())[-1]
    assert 0 <= entry.at_ms - granted.hold.expires_at_ms < 1_000


async def test_a_show_that_nobody_follows_is_swept_by_whoever_has_the_lease(
    parts: Parts, stall: Stall
) -> None:
    await stall.shows.pin(stall.show, a_drop("d2", hold_ms=300))
    granted = await stall.granted(reserve("h1", drop="d2"))
    sweeping = asyncio.create_task(parts.sweeper.run())
    try:

        async def expired() -> bool:
            hold = await stall.shows.hold(stall.show, "h1")
            return hold is not None and hold.state.value == "expired"

        await wait_until(expired)
    finally:
        sweeping.cancel()
    entry = (await stall.journal())[-1]
    assert 0 <= entry.at_ms - granted.hold.expires_at_ms < 1_000
