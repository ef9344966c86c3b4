"""Freeze and thaw, mute and ban: what they refuse, that no unit moves, and that once more changes nothing."""

from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from dropcast.domain.events import SalesFrozen, SalesThawed
from dropcast.domain.faults import BadRequest, Conflict, NotFound
from dropcast.domain.ports import Done
from dropcast.domain.show import Frozen, Moderated
from dropcast.domain.trades import Granted, Reason, Refused
from dropcast.store.connection import ask
from dropcast.store.shows import Shows
from tests.support.engine import Stall, a_drop, a_show, dump, pay, release, reserve, sell
from tests.support.keys import keys


async def test_frozen_sales_refuse_reserves_and_nothing_else(stall: Stall) -> None:
    await stall.trade(reserve("h1"), reserve("h2", "ben"))
    done = await stall.shows.freeze("friday")
    (event,) = await stall.events(2)
    assert isinstance(event, SalesFrozen)
    assert (event.seq, event.reason, done.again) == (done.seq, Frozen.OPERATOR, False)
    assert (await stall.shows.read("friday")).show.frozen is Frozen.OPERATOR
    refused, again, *others = await stall.trade(
        reserve("h3", "cem"), reserve("h1"), release("h2", "ben"), pay("h1"), sell("h1")
    )
    assert refused == Refused(Reason.FROZEN, offset=3)
    assert isinstance(again, Granted)
    assert all(isinstance(outcome, Granted) for outcome in others)
    await stall.shows.pin("friday", a_drop("d2"))
    assert (await stall.one(reserve("h4", drop="d2"))) == Refused(Reason.FROZEN, offset=4)
    assert await stall.audit() == []


async def test_thawed_sales_go_on(stall: Stall) -> None:
    await stall.shows.freeze("friday")
    await stall.shows.thaw("friday")
    assert isinstance((await stall.events(3))[0], SalesThawed)
    await stall.granted(reserve("h1"))
    (listed,) = await stall.shows.shows("", 5)
    assert listed == (await stall.shows.read("friday")).show
    assert listed.frozen is Frozen.NO


async def test_freezing_and_thawing_again_change_nothing(stall: Stall) -> None:
    assert (await stall.shows.thaw("friday")).again
    first = await stall.shows.freeze("friday")
    assert await stall.shows.freeze("friday") == Done(first.seq, first.offset, True)
    first = await stall.shows.thaw("friday")
    assert await stall.shows.thaw("friday") == Done(first.seq, first.offset, True)
    assert await stall.event_names() == ["SalesFrozen", "SalesThawed"]


async def test_a_thaw_for_one_reason_leaves_sales_that_are_frozen_for_another(stall: Stall) -> None:
    await stall.shows.freeze("friday")
    assert (await stall.shows.thaw("friday", Frozen.LOST_HISTORY)).again
    assert (await stall.shows.read("friday")).show.frozen is Frozen.OPERATOR
    assert not (await stall.shows.thaw("friday", Frozen.OPERATOR)).again


@pytest.mark.parametrize("word", ["mute", "ban"])
async def test_a_viewer_who_is_kept_out_reserves_nothing_and_keeps_what_they_have(
    stall: Stall, word: str
) -> None:
    await stall.granted(reserve("h1"))
    before = await stall.units()
    done = await (stall.shows.mute if word == "mute" else stall.shows.ban)("friday", "ana", True)
    assert (done.seq, done.offset, done.again) == (2, 2, False)
    assert await stall.units() == before
    refused, other, paid, sold = await stall.trade(reserve("h2"), reserve("h3", "ben"), pay("h1"), sell("h1"))
    reason = Reason.MUTED if word == "mute" else Reason.BANNED
    assert refused == Refused(reason, offset=3)
    assert all(isinstance(outcome, Granted) for outcome in (other, paid, sold))
    assert await stall.event_names() == []
    assert await stall.audit() == []


async def test_mute_and_ban_stand_side_by_side_and_each_is_undone_by_itself(stall: Stall) -> None:
    shows = stall.shows
    steps: list[tuple[Callable[[str, str, bool], Awaitable[Done]], bool, tuple[Moderated, ...]]] = [
        (shows.mute, True, (Moderated("ana", True, False),)),
        (shows.ban, True, (Moderated("ana", True, True),)),
        (shows.mute, False, (Moderated("ana", False, True),)),
        (shows.ban, False, ()),
    ]
    for number, (command, on, expected) in enumerate(steps, start=1):
        assert not (await command("friday", "ana", on)).again
        assert (await command("friday", "ana", on)).again
        snapshot = await shows.read("friday")
        assert (snapshot.moderated, snapshot.moderations) == (expected, number)
        assert (await shows.beat("friday", "w0", 1)).moderations == number
    assert not await ask(stall.client, "EXISTS", keys.of_show("friday", "moderated"))
    await stall.granted(reserve("h1"))


async def test_a_show_that_was_never_live_can_be_moderated_and_one_that_ended_cannot(store: Shows) -> None:
    await store.schedule(a_show())
    await store.ban("friday", "ana", True)
    await store.freeze("friday")
    await store.end("friday")
    for call in (store.ban("friday", "ben", True), store.freeze("friday"), store.thaw("friday")):
        with pytest.raises(Conflict, match="ended"):
            await call
    assert await ask(store._client, "PTTL", keys.of_show("friday", "moderated")) > 0


async def test_nobody_and_nowhere_cannot_be_moderated(stall: Stall) -> None:
    with pytest.raises(BadRequest):
        await stall.shows.mute("friday", "", True)
    for call in (
        stall.shows.mute("nowhere", "ana", True),
        stall.shows.ban("nowhere", "ana", True),
        stall.shows.freeze("nowhere"),
        stall.shows.thaw("nowhere"),
    ):
        with pytest.raises(NotFound):
            await call


async def test_moderated_viewers_are_bounded(stall: Stall) -> None:
    filler = [word for number in range(10_000) for word in (f"v{number}", 2)]
    await ask(stall.client, "HSET", keys.of_show("friday", "moderated"), *filler)
    with pytest.raises(Conflict, match="10000"):
        await stall.shows.ban("friday", "ana", True)
    await stall.shows.mute("friday", "v1", True)
    assert len((await stall.shows.read("friday")).moderated) == 10_000


async def test_a_viewers_name_may_be_anything(stall: Stall, client: Redis) -> None:
    for name in ("a:b", "{x}", "☃", "1", "x\r\n\0"):
        await stall.shows.ban("friday", name, True)
    found = {moderated.viewer for moderated in (await stall.shows.read("friday")).moderated}
    assert found == {"a:b", "{x}", "☃", "1", "x\r\n\0"}
    assert await dump(client)
