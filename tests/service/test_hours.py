"""Drops open and close by themselves, once, whichever worker lives, and the room hears of it in time."""

import asyncio

from redis.asyncio import Redis

from dropcast.domain.catalogue import Product, Variant
from dropcast.domain.events import DropOpened
from dropcast.domain.trades import Granted
from dropcast.domain.viewer import Role, Viewer
from dropcast.service.host_rates import HostRates
from dropcast.service.host_turns import HostTurns
from dropcast.service.hosting import Hosting
from dropcast.settings import Settings
from dropcast.store.embedded import EmbeddedEngine
from dropcast.store.products import Products
from dropcast.wire.commands import Pin
from tests.service.conftest import Parts
from tests.support.engine import Stall, a_drop, reserve
from tests.support.keys import keys
from tests.support.recorder import Recorder
from tests.support.wait import wait_until

SOON_MS = 1_000
"""Long enough that a busy machine has pinned the drop before its time comes."""


async def test_two_workers_that_follow_a_show_open_and_close_its_drop_once(
    engine: EmbeddedEngine, client: Redis, parts: Parts, stall: Stall
) -> None:
    other = Parts(engine.url, client, "w1", Settings())
    rooms = []
    try:
        for worker in (parts, other):
            live = await worker.stage.enter("friday")
            member = Recorder()
            live.room.join(member, "")
            rooms.append(member)
        now_ms = (await stall.shows.read("friday")).at_ms
        drop = a_drop("d2", opens_at_ms=now_ms + SOON_MS, closes_at_ms=now_ms + 2 * SOON_MS)
        await stall.shows.pin("friday", drop)
        await wait_until(lambda: all(member.of_type("drop_closed") for member in rooms))
    finally:
        await other.close()
    assert await stall.event_names() == ["DropScheduled", "DropOpened", "DropClosed"]
    _, opened, closed = await stall.events(2)
    assert 0 <= opened.at_ms - drop.opens_at_ms < 1_000
    assert 0 <= closed.at_ms - drop.closes_at_ms < 1_000
    for member in rooms:
        (scheduled,) = member.of_type("drop_scheduled")
        assert (scheduled["drop"]["status"], scheduled["drop"]["opens_at_ms"]) == (
            "scheduled",
            drop.opens_at_ms,
        )
        (opening,) = member.of_type("drop_opened")
        assert (opening["drop"]["status"], opening["drop"]["stock"]) == ("open", {"RED": 3})
        assert member.seqs == list(range(member.seqs[0], member.seqs[0] + 3))


async def test_two_workers_that_reserve_in_the_same_moment_open_it_once(
    engine: EmbeddedEngine, client: Redis, parts: Parts, stall: Stall
) -> None:
    other = Parts(engine.url, client, "w1", Settings())
    await stall.shows.pin("friday", a_drop("d2", {"RED": 40}, opens_at_ms=4_000_000_000_000))
    await stall.make_due("o:d2")
    outcomes = await asyncio.gather(
        *(
            worker.desk.trade("friday", reserve(f"h{number}{name}", f"v{number}{name}", "d2"))
            for number in range(20)
            for name, worker in (("a", parts), ("b", other))
        )
    )
    await other.close()
    assert all(isinstance(outcome, Granted) for outcome in outcomes)
    assert await stall.event_names() == ["DropScheduled", "DropOpened", "SoldOut"]
    assert await stall.audit() == []


async def test_a_drop_of_a_show_that_nobody_follows_opens_by_the_lease(parts: Parts, stall: Stall) -> None:
    now_ms = (await stall.shows.read("friday")).at_ms
    await stall.shows.pin("friday", a_drop("d2", opens_at_ms=now_ms + SOON_MS))
    sweeping = asyncio.create_task(parts.sweeper.run())
    try:

        async def opened() -> bool:
            return "DropOpened" in await stall.event_names()

        await wait_until(opened)
    finally:
        sweeping.cancel()
    assert 0 <= (await stall.events(3))[0].at_ms - now_ms - SOON_MS < 1_000


async def test_another_worker_takes_a_dead_ones_lease_within_a_second(
    engine: EmbeddedEngine, client: Redis, parts: Parts, stall: Stall
) -> None:
    other = Parts(engine.url, client, "w1", Settings())
    dying = asyncio.create_task(parts.sweeper.run())

    async def has_lease() -> bool:
        return not await stall.shows.take_lease("sweeper", "a third", 1)

    await wait_until(has_lease)
    # Read only now: a drop whose time had passed before the pin would open at once, and show nothing.
    opens_at_ms = (await stall.shows.read("friday")).at_ms + SOON_MS
    await stall.shows.pin("friday", a_drop("d2", opens_at_ms=opens_at_ms))
    dying.cancel()
    living = asyncio.create_task(other.sweeper.run())
    try:

        async def opened() -> bool:
            return "DropOpened" in await stall.event_names()

        await wait_until(opened)
    finally:
        living.cancel()
        await other.close()
    opening = next(event for event in await stall.events(2) if isinstance(event, DropOpened))
    assert 0 <= opening.at_ms - opens_at_ms < 1_000


async def test_a_pins_times_reach_the_engine(parts: Parts, stall: Stall, client: Redis) -> None:
    products = Products(client, keys)
    variant = Variant(sku="RED", title="Red", options={"Colour": "Red"}, price_minor=2_900)
    await products.put([Product(handle="scarf", title="Scarf", currency="EUR", variants=(variant,))])
    hosting = Hosting(
        store=parts.store,
        products=products,
        stage=parts.stage,
        rates=HostRates(commands_per_s=100, burst_s=4, shows_per_min=300),
        turns=HostTurns(64),
        hold_ms=60_000,
        drop_limit=2,
    )
    opens_at_ms = 4_000_000_000_000
    pin = Pin(
        id=1,
        show="friday",
        key="key",
        product="scarf",
        units={"RED": 2},
        opens_at_ms=opens_at_ms,
        closes_at_ms=opens_at_ms + 5,
        reveal_at_ms=opens_at_ms - 5,
    )
    drop, _ = await hosting.pin(Viewer(id="cleo", role=Role.CREATOR), pin)
    (found,) = [found for found in (await stall.shows.read("friday")).drops if found.id == drop]
    terms = found.terms
    assert (terms.opens_at_ms, terms.closes_at_ms, terms.reveal_at_ms) == (
        opens_at_ms,
        opens_at_ms + 5,
        opens_at_ms - 5,
    )
