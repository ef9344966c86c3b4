"""Shows in the engine: scheduled, started, ended, listed."""

import pytest

from dropcast.domain.events import DropClosed, ShowEnded, ShowStarted
from dropcast.domain.faults import BadRequest, Conflict, NotFound
from dropcast.domain.ports import Change
from dropcast.domain.show import Show, ShowStatus
from dropcast.domain.trades import Granted, Reason, Refused
from dropcast.store.connection import ask
from dropcast.store.shows import Shows
from tests.support.engine import Stall, a_drop, a_show, pay, release, reserve, sell
from tests.support.keys import keys

DAY_MS = 86_400_000


async def test_a_scheduled_show_is_read_back_as_it_was_written(store: Shows) -> None:
    show = a_show(moderators=("mo", "may"), starts_at_ms=1_900_000_000_123)
    assert await store.schedule(show) == show
    snapshot = await store.read("friday")
    assert snapshot.show == show
    assert (snapshot.seq, snapshot.offset, snapshot.drops, snapshot.holds) == (0, 0, (), ())
    assert snapshot.epoch


async def test_the_same_show_scheduled_again_is_answered_as_it_stands(store: Shows) -> None:
    await store.schedule(a_show())
    epoch = (await store.read("friday")).epoch
    await store.start("friday")
    again = await store.schedule(a_show())
    assert again.status is ShowStatus.LIVE
    assert (await store.read("friday")).epoch == epoch


@pytest.mark.parametrize(
    "other",
    [a_show(title="Other"), a_show(creator="eve"), a_show(moderators=("eve",)), a_show(starts_at_ms=5)],
    ids=["title", "creator", "moderators", "start"],
)
async def test_another_show_under_the_same_id_is_a_conflict(store: Shows, other: Show) -> None:
    await store.schedule(a_show())
    with pytest.raises(Conflict):
        await store.schedule(other)
    assert (await store.read("friday")).show == a_show()


@pytest.mark.parametrize("show", ["", "a b", "a}b", "{x}", "x" * 65, "ä"])
async def test_an_id_that_would_leave_its_slot_is_refused(store: Shows, show: str) -> None:
    with pytest.raises(BadRequest):
        await store.schedule(a_show(show))
    with pytest.raises(NotFound):
        await store.read(show)
    assert await ask(store._client, "DBSIZE") == 0


async def test_a_show_starts_once(store: Shows) -> None:
    await store.schedule(a_show())
    first = await store.start("friday")
    again = await store.start("friday")
    assert (first.seq, first.again) == (1, False)
    assert (again.seq, again.again) == (1, True)
    (event,) = await store.events("friday", 0, 10)
    assert isinstance(event, ShowStarted)
    show = (await store.read("friday")).show
    assert show.status is ShowStatus.LIVE
    assert show.started_at_ms == event.at_ms


async def test_every_method_says_when_there_is_no_such_show(store: Shows) -> None:
    for call in (
        store.start("nowhere"),
        store.end("nowhere"),
        store.pin("nowhere", a_drop()),
        store.update("nowhere", "d1", Change(limit=1), "key"),
        store.unpin("nowhere", "d1", "key"),
        store.announce("nowhere", "hello", None, "key"),
        store.read("nowhere"),
        store.beat("nowhere", "w0", 1),
    ):
        with pytest.raises(NotFound):
            await call
    assert await ask(store._client, "DBSIZE") == 0


async def test_ending_a_show_closes_its_drops_in_the_order_of_their_pins(stall: Stall) -> None:
    await stall.shows.pin("friday", a_drop("a2", {"X": 1}))
    await stall.shows.pin("friday", a_drop("d0", {"X": 1}))
    await stall.shows.unpin("friday", "a2", "key")
    before = await stall.shows.read("friday")
    done = await stall.shows.end("friday")
    events = await stall.events(before.seq)
    assert [(type(event), getattr(event, "drop", "")) for event in events] == [
        (DropClosed, "d1"),
        (DropClosed, "d0"),
        (ShowEnded, ""),
    ]
    assert done.seq == events[-1].seq
    assert done.offset == before.offset + 1
    assert (await stall.shows.end("friday")).again
    assert (await stall.shows.read("friday")).show.ended_at_ms == events[-1].at_ms
    assert await stall.audit() == []


async def test_holds_that_were_open_at_the_end_may_still_be_paid_or_released(stall: Stall) -> None:
    await stall.trade(reserve("h1"), reserve("h2", "ben"))
    await stall.shows.end("friday")
    refused, *granted = await stall.trade(reserve("h3", "cem"), release("h2", "ben"), pay("h1"), sell("h1"))
    assert refused == Refused(Reason.NOT_LIVE, offset=4)
    assert all(isinstance(outcome, Granted) for outcome in granted)
    assert await stall.units() == (1, 0, 1, 2)
    assert await stall.audit() == []


async def test_a_show_that_ended_does_not_start_again_nor_take_drops_or_announcements(stall: Stall) -> None:
    await stall.shows.end("friday")
    with pytest.raises(Conflict, match="ended"):
        await stall.shows.start("friday")
    with pytest.raises(Conflict, match="not live"):
        await stall.shows.pin("friday", a_drop("d2"))
    with pytest.raises(Conflict, match="closed"):
        await stall.shows.update("friday", "d1", Change(limit=1), "key")
    with pytest.raises(Conflict, match="ended"):
        await stall.shows.announce("friday", "bye", None, "other key")


async def test_a_scheduled_show_may_be_called_off(store: Shows) -> None:
    await store.schedule(a_show())
    await store.end("friday")
    assert (await store.read("friday")).show.status is ShowStatus.ENDED


async def test_after_the_end_holds_expire_and_orders_stay(stall: Stall) -> None:
    await stall.trade(reserve("h1"), reserve("h2", "ben"), pay("h1"), sell("h1"))
    await stall.shows.beat("friday", "w0", 1)
    await stall.shows.announce("friday", "bye", None, "key")
    await stall.shows.end("friday")

    async def ttl(name: str) -> int:
        return int(await ask(stall.client, "PTTL", keys.of_show("friday", name)))

    for name in ("holds", "due", "buyers", "viewers", "done"):
        assert DAY_MS - 60_000 < await ttl(name) <= DAY_MS, name
    for name in ("meta", "drops", "units", "orders", "events", "journal"):
        assert await ttl(name) == -1, name


async def test_no_hold_vanishes_while_it_is_open_however_long_it_lasts(stall: Stall) -> None:
    await stall.shows.pin("friday", a_drop("slow", {"X": 1}, hold_ms=DAY_MS))
    hold = (await stall.granted(reserve("h1", drop="slow", sku="X"))).hold
    await stall.shows.end("friday")
    expires_at_ms = int(await ask(stall.client, "PEXPIRETIME", keys.of_show("friday", "holds")))
    assert expires_at_ms >= hold.expires_at_ms + 3_600_000


async def test_shows_are_listed_in_pages_and_what_was_never_written_is_skipped(store: Shows) -> None:
    for show in ("b", "d", "a", "e"):
        await store.schedule(a_show(show))
    # As a crash between listing and writing leaves it.
    await ask(store._client, "ZADD", keys.shows, 0, "c")
    assert [show.id for show in await store.shows("", 3)] == ["a", "b", "d"]
    assert [show.id for show in await store.shows("b", 2)] == ["d", "e"]
    assert [show.id for show in await store.shows("e", 2)] == []
