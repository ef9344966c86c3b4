"""Reading a show: the snapshot, the logs, the heartbeat, leases."""

import pytest

from dropcast.domain.events import JournalEntry
from dropcast.domain.faults import BadRequest, NotFound
from dropcast.domain.ports import Change
from dropcast.domain.state import Applied, ShowState
from dropcast.store.connection import ask, connect
from dropcast.store.embedded import EmbeddedEngine
from dropcast.store.tail import Tail
from tests.support.engine import Stall, a_drop, pay, release, reserve, sell
from tests.support.keys import keys
from tests.support.wait import wait_until


async def test_a_snapshot_has_drops_in_the_order_of_their_pins_and_open_holds_only(stall: Stall) -> None:
    for drop in ("z", "a", "m"):
        await stall.shows.pin("friday", a_drop(drop, {"X": 1}))
    await stall.shows.unpin("friday", "z", "key")
    await stall.trade(
        reserve("h1"),
        reserve("h2", "ben"),
        pay("h2", "ben"),
        reserve("h3", "cem", "a", "X"),
        release("h3", "cem"),
    )
    snapshot = await stall.shows.read("friday")
    assert [drop.id for drop in snapshot.drops] == ["d1", "z", "a", "m"]
    assert [drop.terms.status.value for drop in snapshot.drops] == ["open", "closed", "open", "open"]
    assert {hold.id: hold.state.value for hold in snapshot.holds} == {"h1": "held", "h2": "paying"}
    assert (snapshot.seq, snapshot.offset) == (6, 6)


async def test_a_snapshot_of_many_holds_is_whole(stall: Stall) -> None:
    await stall.shows.pin("friday", a_drop("big", {"X": 5_000}))
    for first in range(0, 5_000, 500):
        await stall.trade(*(reserve(f"h{n}", f"v{n}", "big", "X") for n in range(first, first + 500)))
    snapshot = await stall.shows.read("friday")
    assert {hold.id for hold in snapshot.holds} == {f"h{n}" for n in range(5_000)}
    assert await stall.audit() == []


async def test_a_view_kept_by_publications_is_the_same_as_one_read_anew(
    stall: Stall, engine: EmbeddedEngine
) -> None:
    tail = Tail(connect(engine.url), keys)
    publications: list[object] = []
    confirmed: list[bool] = []
    before = ShowState(await stall.shows.read("friday"))
    await tail.follow(
        "friday",
        lambda publication: publications.append(before.apply(publication)),
        lambda: confirmed.append(True),
    )
    await wait_until(lambda: confirmed)
    await stall.shows.pin("friday", a_drop("d2", {"S": 2, "M": 0}))
    await stall.trade(reserve("h1", qty=2), reserve("h2", "ben"), reserve("h3", "cem", "d2", "S"))
    await stall.trade(pay("h1"), pay("h2", "ben"))
    await stall.trade(sell("h1"), release("h3", "cem"))
    await stall.shows.update(
        "friday", "d2", Change(prices={"S": 1}, add_units={"M": 3, "S": -1}, limit=1), "k1"
    )
    await stall.shows.announce("friday", "hello", None, "k2")
    await stall.shows.unpin("friday", "d2", "k3")
    await stall.shows.end("friday")
    after = ShowState(await stall.shows.read("friday"))
    await wait_until(lambda: (before.seq, before.offset) == (after.seq, after.offset))
    await tail.close()
    assert set(publications) == {Applied.DONE}
    assert (before.show, before.drops, before.stock, before.holds) == (
        after.show,
        after.drops,
        after.stock,
        after.holds,
    )


async def test_events_are_read_in_pages_from_any_point(stall: Stall) -> None:
    for number in range(5):
        await stall.shows.announce("friday", f"number {number}", None, f"key {number}")
    assert [event.seq for event in await stall.shows.events("friday", 0, 3)] == [1, 2, 3]
    assert [event.seq for event in await stall.shows.events("friday", 3, 100)] == [4, 5, 6, 7]
    assert await stall.shows.events("friday", 7, 100) == []
    assert await stall.shows.events("friday", 999, 100) == []


async def test_a_log_that_was_trimmed_starts_later(stall: Stall) -> None:
    await stall.shows.announce("friday", "hello", None, "key")
    await ask(stall.client, "XTRIM", keys.of_show("friday", "events"), "MINID", "3-0")
    assert [event.seq for event in await stall.shows.events("friday", 0, 10)] == [3]
    await stall.shows.announce("friday", "again", None, "key 2")
    assert [event.seq for event in await stall.shows.events("friday", 0, 10)] == [3, 4]


async def test_the_journal_has_one_entry_for_each_call_that_moved_units(stall: Stall) -> None:
    await stall.trade(reserve("h1"), reserve("h2", "ben"), reserve("none", "cem", sku="BLUE"))
    await stall.shows.announce("friday", "hello", None, "key")
    await stall.trade(release("h1"))
    journal = await stall.shows.journal("friday", 0, 10)
    assert [entry.offset for entry in journal] == [1, 2, 3]
    assert [[movement.kind.value for movement in entry.movements] for entry in journal] == [
        ["allocated"],
        ["held", "held"],
        ["released"],
    ]
    page = await stall.shows.journal("friday", 1, 1)
    assert isinstance(page[0], JournalEntry)
    assert [entry.offset for entry in page] == [2]


async def test_many_orders_are_all_read(stall: Stall) -> None:
    await stall.shows.pin("friday", a_drop("big", {"X": 3_000}))
    for first in range(0, 3_000, 500):
        numbers = range(first, first + 500)
        await stall.trade(*(reserve(f"h{n}", f"v{n}", "big", "X") for n in numbers))
        await stall.trade(*(pay(f"h{n}", f"v{n}") for n in numbers))
        await stall.trade(*(sell(f"h{n}", f"v{n}") for n in numbers))
    orders = await stall.shows.orders("friday")
    assert {order.id for order in orders} == {f"oh{n}" for n in range(3_000)}
    assert [order.sold_at_ms for order in orders] == sorted(order.sold_at_ms for order in orders)
    assert await stall.audit() == []


async def test_a_hold_is_read_by_its_id(stall: Stall) -> None:
    hold = (await stall.granted(reserve("h1"))).hold
    assert await stall.shows.hold("friday", "h1") == hold
    assert await stall.shows.hold("friday", "h2") is None
    assert await stall.shows.hold("nowhere", "h1") is None
    with pytest.raises(NotFound):
        await stall.shows.hold("no}where", "h1")


async def test_a_heartbeat_counts_viewers_over_all_workers(stall: Stall) -> None:
    assert (await stall.shows.beat("friday", "w0", 3)).viewers == 3
    assert (await stall.shows.beat("friday", "w1", 4)).viewers == 7
    assert (await stall.shows.beat("friday", "w0", 1)).viewers == 5
    beat = await stall.shows.beat("friday", "w1", 0)
    snapshot = await stall.shows.read("friday")
    assert (beat.viewers, beat.epoch, beat.seq, beat.offset) == (1, snapshot.epoch, 2, 1)
    assert 0 <= snapshot.at_ms - beat.at_ms < 10_000
    assert beat.due_at_ms == 0
    with pytest.raises(BadRequest):
        await stall.shows.beat("friday", "w1", -1)


async def test_a_worker_that_is_silent_is_forgotten(stall: Stall) -> None:
    now_ms = (await stall.shows.beat("friday", "w0", 3)).at_ms
    viewers = keys.of_show("friday", "viewers")
    await ask(
        stall.client,
        "HSET",
        viewers,
        "gone",
        f"9:{now_ms - 6_000}",
        "late",
        f"5:{now_ms - 3_000}",
        "odd",
        "x",
    )
    assert (await stall.shows.beat("friday", "w0", 3)).viewers == 8
    assert await ask(stall.client, "HKEYS", viewers) == [b"w0", b"late"]


async def test_a_beat_after_the_end_leaves_nothing_for_ever(stall: Stall) -> None:
    await stall.shows.end("friday")
    await stall.shows.beat("friday", "w0", 1)
    assert 0 < await ask(stall.client, "PTTL", keys.of_show("friday", "viewers")) <= 60_000


async def test_a_beat_tells_the_next_deadline(stall: Stall) -> None:
    first = (await stall.granted(reserve("h1"))).hold
    await stall.shows.update("friday", "d1", Change(hold_ms=1_000), "key")
    sooner = (await stall.granted(reserve("h2", "ben"))).hold
    assert sooner.expires_at_ms < first.expires_at_ms
    assert (await stall.shows.beat("friday", "w0", 0)).due_at_ms == sooner.expires_at_ms


async def test_a_lease_has_one_owner_until_it_expires(stall: Stall) -> None:
    assert await stall.shows.take_lease("sweeper", "w0", 60_000)
    assert not await stall.shows.take_lease("sweeper", "w1", 60_000)
    assert await stall.shows.take_lease("other", "w1", 60_000)
    assert await stall.shows.take_lease("sweeper", "w0", 20)
    await wait_until(lambda: stall.shows.take_lease("sweeper", "w1", 60_000))
    assert not await stall.shows.take_lease("sweeper", "w0", 60_000)
    with pytest.raises(BadRequest):
        await stall.shows.take_lease("bad", "w0", 0)


async def test_the_engine_answers_a_ping(stall: Stall) -> None:
    await stall.shows.ping()


async def test_what_anybody_may_read_has_no_holds_and_no_moderated_viewers_but_their_number(
    stall: Stall,
) -> None:
    await stall.trade(reserve("h1"), reserve("h2", "ben"))
    await stall.shows.mute("friday", "rude", True)
    now_ms = (await stall.shows.beat("friday", "w0", 3)).at_ms
    await stall.shows.beat("friday", "w1", 4)
    gone = ("gone", f"9:{now_ms - 6_000}", "odd", "x")
    await ask(stall.client, "HSET", keys.of_show("friday", "viewers"), *gone)
    whole, public = await stall.shows.read("friday"), await stall.shows.read("friday", public=True)
    assert (public.holds, public.moderated, public.viewers) == ((), (), 7)
    assert (len(whole.holds), len(whole.moderated), whole.viewers) == (2, 1, 0)
    assert (public.drops, public.units, public.show) == (whole.drops, whole.units, whole.show)
    assert (public.epoch, public.seq, public.offset) == (whole.epoch, whole.seq, whole.offset)
    # It only reads: also who is silent is still there.
    assert len(await ask(stall.client, "HKEYS", keys.of_show("friday", "viewers"))) == 4


async def test_a_show_without_its_drops_and_the_tops_of_its_logs_is_a_small_read(stall: Stall) -> None:
    await stall.granted(reserve("h1"))
    meta, snapshot = await stall.shows.meta("friday"), await stall.shows.read("friday")
    assert (meta.show, meta.epoch, meta.seq, meta.offset) == (
        snapshot.show,
        snapshot.epoch,
        snapshot.seq,
        snapshot.offset,
    )
    for show in ("nowhere", "no}where", "x" * 65):
        with pytest.raises(NotFound):
            await stall.shows.meta(show)


async def test_many_holds_are_read_by_their_ids_in_a_few_commands(stall: Stall) -> None:
    await stall.shows.pin("friday", a_drop("big", {"X": 2_000}))
    await stall.trade(*(reserve(f"h{n}", f"v{n}", "big", "X") for n in range(1_200)))
    await stall.granted(release("h7", "v7"))
    stats = await ask(stall.client, "INFO", "commandstats")
    calls = stats["cmdstat_hmget"]["calls"]
    found = await stall.shows.holds("friday", [f"h{n}" for n in range(1_300)])
    assert [hold.id for hold in found] == [f"h{n}" for n in range(1_200)]
    assert found[7].state.value == "released"
    stats = await ask(stall.client, "INFO", "commandstats")
    assert stats["cmdstat_hmget"]["calls"] - calls == 3
    assert await stall.shows.holds("friday", []) == []
