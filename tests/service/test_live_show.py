"""A followed show loses nothing: publications that do not arrive are noticed and made good for the room."""

import pytest
from redis.asyncio import Redis

from dropcast.domain.faults import NotFound
from dropcast.domain.trades import Release
from dropcast.store.connection import ask
from tests.service.conftest import Parts
from tests.support.engine import Stall, reserve
from tests.support.keys import keys
from tests.support.recorder import Recorder
from tests.support.wait import wait_until


async def cut_subscriptions(client: Redis) -> None:
    """Kill every subscriber's connection, as a network may."""
    await ask(client, "CLIENT", "KILL", "TYPE", "pubsub")


async def test_a_show_that_is_not_there_is_not_followed(parts: Parts) -> None:
    with pytest.raises(NotFound):
        await parts.stage.enter("nobody")
    assert parts.stage.loaded("nobody") is None


async def test_every_publication_reaches_the_room_in_order(parts: Parts, stall: Stall) -> None:
    live = await parts.stage.enter(stall.show)
    member = Recorder()
    live.room.join(member, "")
    for number in range(20):
        await stall.shows.announce(stall.show, f"word {number}", None, f"key {number}")
    await wait_until(lambda: len(member.of_type("announcement")) == 20)
    first = member.seqs[0]
    assert member.seqs == list(range(first, first + 20))


async def test_what_happens_while_the_subscription_is_lost_is_sent_from_the_log(
    parts: Parts, stall: Stall, client: Redis
) -> None:
    live = await parts.stage.enter(stall.show)
    member = Recorder()
    live.room.join(member, "ana")
    await stall.shows.announce(stall.show, "before", None, "k1")
    await wait_until(lambda: len(member.of_type("announcement")) == 1)
    await cut_subscriptions(client)
    await stall.shows.announce(stall.show, "meanwhile", None, "k2")
    await stall.granted(reserve("h1"))
    await wait_until(lambda: member.of_type("hold_placed"))
    await stall.shows.announce(stall.show, "after", None, "k3")
    await wait_until(lambda: len(member.of_type("announcement")) == 3)
    assert [message["text"] for message in member.of_type("announcement")] == ["before", "meanwhile", "after"]
    assert member.seqs == list(range(member.seqs[0], member.seqs[0] + 3))
    assert live.state is not None
    assert live.state.stock["d1"]["RED"] == 2


async def test_a_hold_that_ended_while_the_subscription_was_lost_is_told_to_its_holder(
    parts: Parts, stall: Stall, client: Redis
) -> None:
    await stall.granted(reserve("h1"))
    live = await parts.stage.enter(stall.show)
    member = Recorder()
    live.room.join(member, "ana")
    await cut_subscriptions(client)
    await stall.granted(Release(hold="h1", viewer="ana"))
    await wait_until(lambda: member.of_type("hold_released"))
    assert live.state is not None
    assert live.state.holds == {}


async def test_a_lost_last_publication_is_noticed_by_the_beat(parts: Parts, stall: Stall) -> None:
    live = await parts.stage.enter(stall.show)
    member = Recorder()
    live.room.join(member, "")
    # Its channel is silent from here on, as if the last message had been lost.
    await parts.tail.unfollow(stall.show)
    await stall.shows.announce(stall.show, "unheard", None, "k1")
    for _ in range(2):
        live.on_beat(await stall.shows.beat(stall.show, "w0", 1))
    await wait_until(lambda: member.of_type("announcement"))


async def test_another_epoch_is_told_by_the_whole_state(parts: Parts, stall: Stall, client: Redis) -> None:
    live = await parts.stage.enter(stall.show)
    member = Recorder()
    live.room.join(member, "")
    await ask(client, "HSET", keys.of_show(stall.show, "meta"), "epoch", "another")
    live.on_beat(await stall.shows.beat(stall.show, "w0", 1))
    await wait_until(lambda: member.of_type("resync"))
    (resync,) = member.of_type("resync")
    assert resync["epoch"] == "another"
    assert resync["state"]["drops"][0]["drop"] == "d1"


async def test_whoever_asked_for_a_hold_is_told_by_the_reply_and_the_viewers_other_sockets_by_an_event(
    parts: Parts, stall: Stall
) -> None:
    live = await parts.stage.enter(stall.show)
    asker, other = Recorder(), Recorder()
    live.room.join(asker, "ana")
    live.room.join(other, "ana")
    live.asked.ask("h1", asker)
    await stall.granted(reserve("h1"))
    await wait_until(lambda: other.of_type("hold_placed"))
    assert asker.of_type("hold_placed") == []
    assert len(live.asked) == 0


async def test_the_last_units_are_told_at_once_and_sold_out_is_a_numbered_event(
    parts: Parts, stall: Stall
) -> None:
    live = await parts.stage.enter(stall.show)
    member = Recorder()
    live.room.join(member, "")
    await stall.trade(reserve("h1", "ana", qty=2), reserve("h2", "ben"))
    await wait_until(lambda: member.of_type("sold_out") and member.of_type("stock"))
    stock = member.of_type("stock")[-1]
    assert stock["units"] == {"d1": {"RED": 0}}
    assert live.state is not None
    assert stock["offset"] == live.state.offset
