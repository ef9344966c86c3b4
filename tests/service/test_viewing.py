"""A viewer comes back to a worker that knows less than they do: it reads the show again before it answers."""

import msgspec
import pytest
from redis.asyncio import Redis

from dropcast.domain.faults import EngineAway
from dropcast.domain.viewer import Role, Viewer
from dropcast.store.connection import ask
from dropcast.wire.commands import Since, Watch
from dropcast.wire.messages import Watching
from tests.service.conftest import Parts
from tests.support.engine import Stall
from tests.support.recorder import Recorder

ANA = Viewer(id="ana", role=Role.VIEWER)


async def come_back(parts: Parts, show: str, epoch: str, seq: int) -> Watching:
    viewing = parts.viewing
    watch = Watch(id=1, show=show, since=Since(epoch=epoch, seq=seq))
    member = Recorder()
    answer = viewing.watch_now(member, ANA, watch) or await viewing.watch(member, ANA, watch)
    assert answer is not None
    return answer


@pytest.fixture
async def behind(parts: Parts, stall: Stall) -> tuple[str, int]:
    """The parts follow the show, and something was said that has not reached them. Return epoch and seq of it."""
    live = await parts.stage.enter(stall.show)
    assert live.state is not None
    await parts.tail.unfollow(stall.show)
    done = await stall.shows.announce(stall.show, "elsewhere", None, "k1")
    assert live.state.seq < done.seq
    return live.state.epoch, done.seq


async def test_a_viewer_who_has_seen_more_than_the_worker_is_not_led_back(
    parts: Parts, stall: Stall, behind: tuple[str, int]
) -> None:
    epoch, seq = behind
    answer = await come_back(parts, stall.show, epoch, seq)
    assert (answer.recovered, answer.events, answer.seq) == (True, [], seq)


async def test_a_seq_that_nobody_has_seen_is_answered_by_the_whole_state(
    parts: Parts, stall: Stall, behind: tuple[str, int]
) -> None:
    epoch, seq = behind
    answer = await come_back(parts, stall.show, epoch, seq + 1)
    assert (answer.recovered, answer.seq) == (False, seq)
    assert answer.state is not None


async def test_an_engine_that_is_away_does_not_keep_a_viewer_waiting(
    parts: Parts, stall: Stall, client: Redis
) -> None:
    live = await parts.stage.enter(stall.show)
    assert live.state is not None
    parts.settings = msgspec.structs.replace(parts.settings, ahead_ms=100)
    await ask(client, "CLIENT", "PAUSE", 1_000, "ALL")
    with pytest.raises(EngineAway):
        await come_back(parts, stall.show, live.state.epoch, live.state.seq + 1)
