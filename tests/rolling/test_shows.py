"""Shows, drops and announcements: written by a worker of one version, read and gone on with by the other."""

import time
from typing import Any

import pytest

from dropcast.store.connection import ask, connect
from dropcast_client import (
    Announcement,
    CallError,
    DropClosed,
    DropOpened,
    DropScheduled,
    DropUpdated,
    Held,
    Refused,
    Resynced,
    SalesFrozen,
    SalesThawed,
    ShowEnded,
    ShowStarted,
    Sold,
)
from tests.rolling.conftest import Sides
from tests.support.keys import keys
from tests.support.raw import live
from tests.support.wait import wait_until
from tests.support.watching import Watcher, watching

RED = {"SCARF-RED": 5}


async def test_a_show_is_scheduled_by_one_and_started_by_the_other(sides: Sides) -> None:
    body = {"title": "Both", "currency": "EUR", "moderators": ["mia"], "starts_at_ms": 2_000_000_000_000}
    async with sides.writer.http("cleo", "creator") as first, sides.reader.http("cleo", "creator") as other:
        show = (await first.post("/v1/shows", json=body)).json()["id"]
        scheduled = (await other.get(f"/v1/shows/{show}")).json()
        assert in_both(scheduled, (await first.get(f"/v1/shows/{show}")).json())
        assert (scheduled["title"], scheduled["moderators"], scheduled["status"]) == (
            "Both",
            ["mia"],
            "scheduled",
        )
        async with watching(sides.writer, show) as here, watching(sides.reader, show) as there:
            started = await other.post(f"/v1/shows/{show}/start")
            assert started.status_code == 200
            again = await first.post(f"/v1/shows/{show}/start")
            assert again.json()["seq"] == started.json()["seq"]
            for watcher in (here, there):
                assert (await watcher.hears(ShowStarted)).seq == started.json()["seq"]
                assert watcher.state.show.status == "live"
        page = (await other.get("/v1/shows?limit=200")).json()["items"]
        assert show in [item["id"] for item in page]


async def test_a_pin_of_one_is_the_same_pin_at_the_other(sides: Sides) -> None:
    show = await sides.writer.live_show()
    terms: dict[str, Any] = {
        "show": show,
        "product": "scarf",
        "units": RED,
        "prices": {"SCARF-RED": 1_900},
        "key": "scarf",
    }
    async with (
        watching(sides.writer, show, "cleo", "creator") as here,
        watching(sides.reader, show, "cleo", "creator") as there,
        sides.reader.client("ana") as ana,
    ):
        done = await here.client.pin(**terms, limit=3)
        again = await there.client.pin(**terms, limit=3)
        assert (again.drop, again.seq, again.again) == (done.drop, done.seq, True)
        views = [(await watcher.hears(DropOpened)).drop for watcher in (here, there)]
        assert views[0] == views[1]
        assert (views[0].limit, views[0].prices, views[0].stock) == (3, {"SCARF-RED": 1_900}, RED)
        held = await ana.reserve(show=show, drop=done.drop, sku="SCARF-RED", qty=3)
        assert isinstance(held, Held)
        assert held.amount_minor == 3 * 1_900


async def test_a_drop_that_one_scheduled_opens_and_closes_at_both(sides: Sides) -> None:
    show = await sides.writer.live_show()
    now_ms = int(time.time() * 1000)
    times: dict[str, Any] = {
        "opens_at_ms": now_ms + 700,
        "closes_at_ms": now_ms + 1_400,
        "reveal_at_ms": now_ms + 300,
    }
    async with watching(sides.writer, show, "ana") as here, watching(sides.reader, show, "ben") as there:
        drop = await sides.writer.drop(show, RED, **times)
        for watcher in (here, there):
            view = (await watcher.hears(DropScheduled)).drop
            assert (view.drop, view.status) == (drop, "scheduled")
            assert {name: getattr(view, name) for name in times} == times
        early = await there.client.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(early, Refused)
        assert early.reason == "not_open"
        for watcher in (here, there):
            await watcher.hears(DropOpened)
        held = await there.client.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(held, Held)
        for watcher in (here, there):
            await watcher.hears(DropClosed)
        late = await here.client.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(late, Refused)
        assert late.reason == "closed"


async def test_an_update_of_one_holds_at_the_other_and_its_key_is_remembered(sides: Sides) -> None:
    show = await sides.writer.live_show()
    drop = await sides.writer.drop(show, RED, limit=1)
    change: dict[str, Any] = {"show": show, "drop": drop, "key": "more", "limit": 7, "hold_ms": 90_000}
    async with (
        watching(sides.writer, show, "cleo", "creator") as here,
        watching(sides.reader, show, "cleo", "creator") as there,
        sides.reader.client("ana") as ana,
    ):
        done = await here.client.update(**change, add_units={"SCARF-RED": 2}, prices={"SCARF-RED": 100})
        again = await there.client.update(**change, add_units={"SCARF-RED": 2}, prices={"SCARF-RED": 100})
        assert (again.seq, again.again) == (done.seq, True)
        for watcher in (here, there):
            heard = await watcher.hears(DropUpdated)
            assert (heard.limit, heard.hold_ms, heard.prices) == (7, 90_000, {"SCARF-RED": 100})
            assert heard.stock == {"SCARF-RED": 7}
        held = await ana.reserve(show=show, drop=drop, sku="SCARF-RED", qty=7)
        assert isinstance(held, Held)
        assert held.amount_minor == 700


async def test_a_drop_that_one_closes_is_closed_at_the_other(sides: Sides) -> None:
    show = await sides.writer.live_show()
    drop = await sides.writer.drop(show, RED)
    async with (
        watching(sides.writer, show, "cleo", "creator") as here,
        watching(sides.reader, show, "cleo", "creator") as there,
        sides.reader.client("ana") as ana,
    ):
        done = await here.client.unpin(show=show, drop=drop, key="enough")
        again = await there.client.unpin(show=show, drop=drop, key="enough")
        assert (again.seq, again.again) == (done.seq, True)
        for watcher in (here, there):
            await watcher.hears(DropClosed)
        refused = await ana.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(refused, Refused)
        assert refused.reason == "closed"


async def test_an_announcement_of_one_is_heard_at_both_once(sides: Sides) -> None:
    show = await sides.writer.live_show()
    said: dict[str, Any] = {
        "show": show,
        "text": "hello",
        "data": {"confetti": [1, None, "x"]},
        "key": "hello",
    }
    async with (
        watching(sides.writer, show, "cleo", "creator") as here,
        watching(sides.reader, show, "cleo", "creator") as there,
    ):
        done = await here.client.announce(**said)
        again = await there.client.announce(**said)
        assert (again.seq, again.again) == (done.seq, True)
        with pytest.raises(CallError, match="conflict"):
            await there.client.announce(**{**said, "text": "something else"})
        last = await there.client.announce(show=show, text="bye")
        for watcher in (here, there):
            assert (await watcher.hears(Announcement, 2)).seq == last.seq
            assert [(event.seq, event.data) for event in watcher.all_of(Announcement)] == [
                (done.seq, said["data"]),
                (last.seq, None),
            ]


async def test_sales_that_one_froze_are_thawed_by_the_other(sides: Sides) -> None:
    show = await sides.writer.live_show()
    drop = await sides.writer.drop(show, RED)
    async with (
        watching(sides.writer, show, "olga", "operator") as here,
        watching(sides.reader, show, "olga", "operator") as there,
        sides.reader.client("ana") as ana,
    ):
        await here.client.freeze(show=show)
        for watcher in (here, there):
            await watcher.hears(SalesFrozen)
        refused = await ana.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(refused, Refused)
        assert refused.reason == "frozen"
        await there.client.thaw(show=show)
        for watcher in (here, there):
            await watcher.hears(SalesThawed)
        assert isinstance(await ana.reserve(show=show, drop=drop, sku="SCARF-RED"), Held)


async def test_a_show_that_one_ends_has_ended_at_the_other_and_its_holds_may_be_paid(sides: Sides) -> None:
    show = await sides.writer.live_show()
    drop = await sides.writer.drop(show, RED)
    async with watching(sides.writer, show, "ana") as here, watching(sides.reader, show, "ana") as there:
        held = await there.client.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(held, Held)
        async with (
            sides.writer.http("cleo", "creator") as first,
            sides.reader.http("cleo", "creator") as other,
        ):
            ended = await first.post(f"/v1/shows/{show}/end")
            assert (await other.post(f"/v1/shows/{show}/end")).json()["seq"] == ended.json()["seq"]
        for watcher in (here, there):
            await watcher.hears(ShowEnded)
            assert [known.status for known in watcher.state.drops.values()] == ["closed"]
        sold = await there.client.checkout(show=show, hold=held.hold, payment="tok_approve")
        assert isinstance(sold, Sold)


async def test_a_viewer_who_moves_from_one_to_the_other_gets_exactly_what_was_missed(sides: Sides) -> None:
    show = await sides.writer.live_show()
    drop = await sides.writer.drop(show, RED)
    watch = {"type": "watch", "id": 2, "show": show}
    async with live(sides.writer.port, hello={}) as raw:
        first = await raw.ask(watch)
    since = {"epoch": first["epoch"], "seq": first["seq"]}
    async with (
        sides.writer.client("cleo", "creator") as here,
        sides.reader.client("cleo", "creator") as there,
    ):
        for number in range(3):
            await here.announce(show=show, text=f"here {number}")
            await there.announce(show=show, text=f"there {number}")
        last = await there.unpin(show=show, drop=drop)

        async def moved() -> dict[str, object] | None:
            # A worker that has just been told to follow the show may not have heard all of it yet.
            async with live(sides.reader.port, hello={}) as raw:
                answer = await raw.ask({**watch, "since": since})
            return answer if answer["seq"] == last.seq else None

        watching_again = await wait_until(moved)
    assert watching_again["recovered"] is True
    assert watching_again["epoch"] == since["epoch"]
    events = watching_again["events"]
    assert [event["seq"] for event in events] == list(range(since["seq"] + 1, last.seq + 1))
    assert [event["type"] for event in events] == ["announcement"] * 6 + ["drop_closed"]


async def test_viewers_are_counted_over_both(sides: Sides) -> None:
    show = await sides.writer.live_show()
    async with (
        watching(sides.writer, show) as here,
        watching(sides.writer, show),
        watching(sides.reader, show) as there,
    ):
        await wait_until(lambda: (here.state.viewers, there.state.viewers) == (3, 3))
        async with watching(sides.reader, show):
            await wait_until(lambda: (here.state.viewers, there.state.viewers) == (4, 4))
        await wait_until(lambda: (here.state.viewers, there.state.viewers) == (3, 3))


async def test_snapshots_and_lists_over_http_tell_the_same_at_both(sides: Sides) -> None:
    show = await sides.writer.live_show()
    for product, units in (("scarf", RED), ("mug", {"MUG": 2})):
        drop = await sides.writer.drop(show, units, product=product)
    async with sides.writer.client("ana") as ana:
        assert isinstance(await ana.reserve(show=show, drop=drop, sku="MUG"), Held)
    async with sides.writer.http() as first, sides.reader.http() as other:
        paths = (f"/v1/shows/{show}", f"/v1/shows/{show}/drops", f"/v1/shows/{show}/snapshot")
        for path in paths:
            assert in_both(*[(await http.get(path)).json() for http in (first, other)])


def in_both(here: dict[str, Any], there: dict[str, Any]) -> bool:
    """Whether both tell the same; what only the newer one tells comes beside it, and the time of reading differs."""
    known = (here.keys() & there.keys()) - {"at_ms"}
    return bool(known) and all(here[name] == there[name] for name in known)


async def test_a_new_epoch_is_the_same_one_at_both(sides: Sides) -> None:
    show = await sides.writer.live_show()
    drop = await sides.writer.drop(show, RED)

    def epochs(*watchers: Watcher) -> set[str]:
        return {watcher.state.epoch for watcher in watchers}

    async with (
        watching(sides.writer, show, "olga", "operator") as here,
        watching(sides.reader, show, "olga", "operator") as there,
        sides.writer.client("ana") as ana,
    ):
        (before,) = epochs(here, there)
        # As if another run of the engine had written the show last: the next writer begins a new epoch.
        client = connect(sides.engine_url)
        await ask(client, "HSET", keys.of_show(show, "meta"), "run", "another")
        await client.aclose()
        await here.client.announce(show=show, text="goes on")
        await wait_until(lambda: before not in epochs(here, there) and len(epochs(here, there)) == 1)
        for watcher in (here, there):
            assert len(watcher.all_of(Resynced)) >= 2
            assert watcher.state.frozen
        refused = await ana.reserve(show=show, drop=drop, sku="SCARF-RED")
        assert isinstance(refused, Refused)
        assert refused.reason == "frozen"
        await there.client.thaw(show=show)
        assert isinstance(await ana.reserve(show=show, drop=drop, sku="SCARF-RED"), Held)
