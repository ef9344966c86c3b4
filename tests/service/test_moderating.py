"""Mute, ban, freeze: who may, and what the room sees of it."""

from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from dropcast.domain.faults import Banned, Forbidden
from dropcast.domain.trades import Granted, Reason, Refused
from dropcast.domain.viewer import ANONYMOUS, Role, Viewer
from dropcast.service.host_rates import HostRates
from dropcast.service.host_turns import HostTurns
from dropcast.service.hosting import Hosting
from dropcast.service.viewing import Viewing
from dropcast.store.products import Products
from dropcast.wire.commands import Watch
from tests.service.conftest import Parts
from tests.support.engine import Stall, reserve
from tests.support.keys import keys
from tests.support.recorder import Recorder
from tests.support.wait import wait_until

CLEO = Viewer(id="cleo", role=Role.CREATOR)
OLGA = Viewer(id="olga", role=Role.OPERATOR)
EVE = Viewer(id="eve", role=Role.CREATOR)
ANA = Viewer(id="ana", role=Role.VIEWER)
MO = Viewer(id="mo", role=Role.MODERATOR)
WATCH = Watch(id=1, show="friday")


@pytest.fixture
def hosting(parts: Parts, client: Redis) -> Hosting:
    return Hosting(
        store=parts.store,
        products=Products(client, keys),
        stage=parts.stage,
        rates=HostRates(commands_per_s=100, burst_s=4, shows_per_min=300),
        turns=HostTurns(64),
        hold_ms=60_000,
        drop_limit=2,
    )


@pytest.fixture
def viewing(parts: Parts) -> Viewing:
    return parts.viewing


async def test_a_banned_viewers_sockets_leave_the_room_after_hearing_why(
    parts: Parts, stall: Stall, hosting: Hosting, viewing: Viewing
) -> None:
    sockets = [Recorder(), Recorder()]
    other = Recorder()
    for socket in sockets:
        assert await viewing.watch(socket, ANA, WATCH) is not None
    await viewing.watch(other, CLEO, WATCH)
    live = parts.stage.loaded("friday")
    assert live is not None
    await hosting.ban(CLEO, "friday", "ana", True)
    await wait_until(lambda: all(socket.of_type("banned") for socket in sockets))
    assert not any(socket in live.room for socket in sockets)
    await stall.shows.announce("friday", "after", None, "key")
    await wait_until(lambda: other.of_type("announcement"))
    for socket in sockets:
        assert [message["type"] for message in socket.messages] == ["banned"]
    assert other.of_type("banned") == []


async def test_a_banned_viewer_does_not_watch_until_the_ban_is_lifted(
    parts: Parts, stall: Stall, hosting: Hosting, viewing: Viewing
) -> None:
    await hosting.ban(OLGA, "friday", "ana", True)
    with pytest.raises(Banned) as raised:
        await viewing.watch(Recorder(), ANA, WATCH)
    assert raised.value.code == "banned"
    assert viewing.watch_now(Recorder(), ANA, WATCH) is None
    assert viewing.watch_now(Recorder(), ANONYMOUS, WATCH) is not None
    await hosting.ban(CLEO, "friday", "ana", False)
    live = parts.stage.loaded("friday")
    assert live is not None
    await wait_until(lambda: live.state is not None and not live.state.is_banned("ana"))
    assert viewing.watch_now(Recorder(), ANA, WATCH) is not None


async def test_whoever_becomes_a_banned_viewer_on_an_open_socket_leaves(
    parts: Parts, stall: Stall, hosting: Hosting, viewing: Viewing
) -> None:
    await hosting.ban(CLEO, "friday", "ana", True)
    socket = Recorder()
    await viewing.watch(socket, ANONYMOUS, WATCH)
    viewing.rename(socket, "friday", ANA)
    assert [message["type"] for message in socket.messages] == ["banned"]


async def test_a_ban_that_was_lost_on_the_way_is_noticed_by_the_beat(
    parts: Parts, stall: Stall, viewing: Viewing
) -> None:
    socket = Recorder()
    await viewing.watch(socket, ANA, WATCH)
    live = parts.stage.loaded("friday")
    assert live is not None
    await parts.tail.unfollow("friday")
    await stall.shows.ban("friday", "ana", True)
    for _ in range(2):
        live.on_beat(await stall.shows.beat("friday", "w0", 1))
    await wait_until(lambda: socket.of_type("banned"))


async def test_a_muted_viewer_watches_on_and_reserves_nothing(
    parts: Parts, stall: Stall, hosting: Hosting, viewing: Viewing
) -> None:
    await hosting.mute(CLEO, "friday", "ana", True)
    assert await viewing.watch(Recorder(), ANA, WATCH) is not None
    refused = await parts.desk.trade("friday", reserve("h1"))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.MUTED
    await hosting.mute(CLEO, "friday", "ana", False)
    assert isinstance(await parts.desk.trade("friday", reserve("h1")), Granted)


async def test_freezing_is_the_operators_and_everybody_sees_it(
    parts: Parts, stall: Stall, hosting: Hosting, viewing: Viewing
) -> None:
    member = Recorder()
    await viewing.watch(member, ANA, WATCH)
    done = await hosting.freeze(OLGA, "friday")
    assert (await hosting.freeze(OLGA, "friday")).again
    await wait_until(lambda: member.of_type("sales_frozen"))
    assert member.of_type("sales_frozen")[0]["reason"] == "operator"
    assert member.of_type("sales_frozen")[0]["seq"] == done.seq
    watching = viewing.watch_now(Recorder(), ANA, WATCH)
    assert watching is not None
    assert watching.state is not None
    assert b'"frozen":true' in bytes(watching.state)
    await hosting.thaw(OLGA, "friday")
    await wait_until(lambda: member.of_type("sales_thawed"))


CALLS: dict[str, Callable[[Hosting, Viewer], Awaitable[object]]] = {
    "freeze": lambda hosting, viewer: hosting.freeze(viewer, "friday"),
    "thaw": lambda hosting, viewer: hosting.thaw(viewer, "friday"),
    "mute": lambda hosting, viewer: hosting.mute(viewer, "friday", "ben", True),
    "ban": lambda hosting, viewer: hosting.ban(viewer, "friday", "ben", True),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("viewer", [ANA, EVE, MO, ANONYMOUS], ids=lambda viewer: viewer.id or "anonymous")
async def test_others_may_not(hosting: Hosting, stall: Stall, name: str, viewer: Viewer) -> None:
    with pytest.raises(Forbidden):
        await CALLS[name](hosting, viewer)


@pytest.mark.parametrize("name", ["freeze", "thaw"])
async def test_a_creator_may_not_freeze(hosting: Hosting, stall: Stall, name: str) -> None:
    with pytest.raises(Forbidden, match="operator"):
        await CALLS[name](hosting, CLEO)


async def test_hosts_cannot_be_kept_out_of_their_show(hosting: Hosting, stall: Stall) -> None:
    for command in (hosting.mute, hosting.ban):
        with pytest.raises(Forbidden, match="cannot be"):
            await command(OLGA, "friday", "cleo", True)
