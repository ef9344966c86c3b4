"""A replica takes over with less than viewers have seen: every room is told anew, and no two histories are mixed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dropcast.domain.faults import EngineAway
from dropcast.domain.show import Frozen
from dropcast.domain.trades import Granted, Reason, Refused
from dropcast.domain.viewer import ANONYMOUS
from dropcast.settings import Settings
from dropcast.wire.commands import Since, Watch
from tests.service.conftest import Parts
from tests.support.engine import Stall, a_drop, reserve
from tests.support.recorder import Recorder
from tests.support.replica import Pair
from tests.support.wait import wait_until


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with Pair(tmp_path) as pair:
        yield pair


@contextlib.asynccontextmanager
async def a_worker(pair: Pair, *, thaws: bool = False) -> AsyncIterator[Parts]:
    parts = Parts(pair.url, pair.client(), "w0", Settings(beat_ms=50, thaw_after_restart=thaws))
    running = asyncio.create_task(parts.stage.run())
    try:
        yield parts
    finally:
        running.cancel()
        await parts.close()


async def say(stall: Stall, *words: str) -> None:
    for word in words:
        await stall.shows.announce(stall.show, word, None, f"key of {word}")


def said(member: Recorder) -> list[str]:
    return [message["text"] for message in member.of_type("announcement")]


async def fail_over(pair: Pair) -> Stall:
    """The replica takes over; the first primary, which knows more, is gone. Return the show in its new place."""
    pair.lead_to(pair.second)
    pair.first.stop()
    return Stall(pair.client(pair.second))


async def test_a_worker_that_fails_over_tells_its_room_by_resync_and_never_mixes_histories(
    pair: Pair,
) -> None:
    stall = await Stall(pair.client(pair.first)).open()
    await say(stall, "both know this")
    await pair.in_step()
    async with a_worker(pair) as parts:
        live = await parts.stage.enter("friday")
        member = Recorder()
        live.room.join(member, "")
        await pair.promote()
        await say(stall, "lost 1", "lost 2")
        await wait_until(lambda: said(member) == ["lost 1", "lost 2"])
        assert live.state is not None
        seen = Since(epoch=live.state.epoch, seq=live.state.seq)

        # Somebody else writes other events under the same numbers before this worker has noticed anything.
        other = Stall(pair.client(pair.second))
        await say(other, "new 1", "new 2", "new 3")
        await fail_over(pair)
        await wait_until(lambda: member.of_type("resync"))
        await say(other, "after")
        await wait_until(lambda: "after" in said(member))

        resync = member.of_type("resync")[-1]
        assert resync["epoch"] != seen.epoch
        heard = [message for message in member.messages if message["type"] in ("announcement", "resync")]
        assert [message.get("text", "resync") for message in heard] == ["lost 1", "lost 2", "resync", "after"]
        assert heard[-1]["seq"] == resync["seq"] + 1
        assert resync["state"]["show"]["frozen"]

        # Whoever comes back with the number of a lost event gets the whole state, not what now has the next numbers.
        back = await parts.viewing.watch(Recorder(), ANONYMOUS, Watch(id=1, show="friday", since=seen))
        assert back is not None
        assert (back.recovered, back.epoch) == (False, resync["epoch"])


async def test_sales_wait_for_an_operator_after_a_failover(pair: Pair) -> None:
    stall = await Stall(pair.client(pair.first)).open()
    await pair.in_step()
    async with a_worker(pair) as parts:
        live = await parts.stage.enter("friday")
        await pair.promote()
        # Sold out by the one, unsold by the other: that is why.
        await stall.trade(reserve("h1", qty=2), reserve("h2", "ben"))
        other = await fail_over(pair)
        await wait_until(lambda: live.state and live.state.show.frozen is Frozen.LOST_HISTORY)
        refused = await parts.desk.trade("friday", reserve("h3", "cem"))
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.FROZEN
        await other.shows.thaw("friday")
        assert isinstance(await parts.desk.trade("friday", reserve("h3", "cem")), Granted)
        assert await other.audit() == []


async def test_by_a_setting_sales_go_on_without_an_operator(pair: Pair) -> None:
    await Stall(pair.client(pair.first)).open()
    await pair.in_step()
    async with a_worker(pair, thaws=True) as parts:
        live = await parts.stage.enter("friday")
        member = Recorder()
        live.room.join(member, "")
        await pair.promote()
        other = await fail_over(pair)
        await wait_until(lambda: member.of_type("sales_thawed"))
        assert isinstance(await parts.desk.trade("friday", reserve("h1")), Granted)
        assert (await other.event_names())[:2] == ["SalesFrozen", "SalesThawed"]


async def test_a_replica_says_that_it_takes_no_writes(pair: Pair) -> None:
    await Stall(pair.client(pair.first)).open()
    await pair.in_step()
    replica = Stall(pair.client(pair.second))
    assert (await replica.shows.read("friday")).drops
    for call in (
        replica.trade(reserve("h1")),
        replica.shows.pin("friday", a_drop("d2")),
        replica.shows.beat("friday", "w0", 1),
    ):
        with pytest.raises(EngineAway, match="replica") as raised:
            await call
        assert raised.value.temporary


async def test_a_primary_that_comes_back_with_less_than_its_stand_in_told_is_another_history(
    pair: Pair,
) -> None:
    """A planned failover and back: the first goes on with its data and its functions, and lacks what it never got."""
    stall = await Stall(pair.client(pair.first)).open()
    await say(stall, "all know this")
    async with a_worker(pair) as parts:
        live = await parts.stage.enter("friday")
        assert live.state is not None
        first_epoch = live.state.epoch
        member = Recorder()
        live.room.join(member, "")
        await pair.hand_over()
        await pair.cut(pair.second)
        second = Stall(pair.client(pair.second))
        pair.lead_to(pair.second)
        await pair.hang_up(pair.first)
        await wait_until(lambda: len(member.of_type("resync")) == 1)
        await say(second, "lost")
        await wait_until(lambda: said(member)[-1:] == ["lost"])

        await pair.promote(pair.first)
        pair.lead_to(pair.first)
        pair.second.stop()
        await wait_until(lambda: len(member.of_type("resync")) == 2)
        await say(stall, "after")
        await wait_until(lambda: said(member)[-1:] == ["after"])

        epochs = [message["epoch"] for message in member.of_type("resync")]
        assert len({first_epoch, *epochs}) == 3
        assert await stall.audit() == []
