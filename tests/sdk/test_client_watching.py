"""Watching with the asyncio client over real sockets: subscriptions, iteration, slow consumers."""

import asyncio
from typing import Any

import pytest

from dropcast_client import (
    Announcement,
    CallError,
    Client,
    Disconnected,
    Event,
    FellBehind,
    Recovered,
    Resynced,
    Stock,
    Subscription,
)
from tests.sdk.conftest import QUICK, NewClient
from tests.sdk.worker import SHOW, Worker, hold_view
from tests.support.wait import wait_until


def stock(units: int, offset: int) -> dict[str, Any]:
    return {"type": "stock", "show": SHOW, "offset": offset, "units": {"drop-1": {"cap-red": units}}}


def texts(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Announcement)]


async def test_a_subscription_keeps_the_state_current_without_being_iterated_over(
    worker: Worker, client_of: NewClient
) -> None:
    async with client_of() as client, client.subscribe(SHOW) as subscription:
        assert subscription.state is None
        state = await subscription.ready()
        await worker.say(stock(2, 7))
        await worker.publish("drop_closed", drop="drop-1")
        await wait_until(lambda: state.seq == 1)
        assert state.drops["drop-1"].stock == {"cap-red": 2}
        assert not state.drops["drop-1"].is_open
        assert subscription.state is state


async def test_leaving_the_iteration_leaves_the_show(worker: Worker, client_of: NewClient) -> None:
    async with client_of() as client:
        async for event in client.watch(SHOW):
            assert isinstance(event, Resynced)
            break
        await wait_until(lambda: worker.heard_of("leave"))


async def test_two_consumers_of_a_show_see_the_same_over_one_watch(
    worker: Worker, client_of: NewClient
) -> None:
    async with client_of() as client, client.subscribe(SHOW) as first:
        await first.ready()
        await worker.announce("one")
        await wait_until(lambda: first.state is not None and first.state.seq == 1)
        async with client.subscribe(SHOW) as second:
            begin = await anext(aiter(second))
            assert isinstance(begin, Resynced)
            assert (begin.seq, begin.first) == (1, True)
            assert isinstance(await anext(first), Resynced)
            await worker.announce("two")
            assert texts([await anext(first), await anext(second)]) == ["two", "two"]
        assert worker.heard_of("leave") == []
    assert len(worker.heard_of("watch")) == 1


async def test_a_callback_gets_each_event_as_it_arrives(worker: Worker, client_of: NewClient) -> None:
    seen: list[Event] = []
    late: list[Event] = []
    async with client_of() as client, client.subscribe(SHOW, seen.append) as subscription:
        await subscription.ready()
        await worker.announce("one")
        await wait_until(lambda: len(seen) == 2)
        client.subscribe(SHOW, late.append)
    assert isinstance(seen[0], Resynced)
    assert texts(seen) == ["one"]
    assert [type(event) for event in late] == [Resynced]


async def test_a_subscription_made_while_events_are_handed_on_sees_none_twice(
    worker: Worker, client_of: NewClient
) -> None:
    late: list[Event] = []
    iterated: list[Subscription] = []

    async with client_of() as client:

        def on_event(event: Event) -> None:
            if isinstance(event, Announcement) and event.text == "two":
                iterated.append(aiter(client.subscribe(SHOW, late.append)))

        async with client.subscribe(SHOW, on_event) as subscription:
            await subscription.ready()
            await worker.announce("one")
            await wait_until(lambda: subscription.state is not None and subscription.state.seq == 1)
            worker.cut_sockets()
            for text in ("two", "three", "four"):
                worker.event("announcement", text=text)
            await wait_until(lambda: subscription.state is not None and subscription.state.seq == 4)
            await worker.announce("five")
            await wait_until(lambda: texts(late) == ["five"])
            taken = [await anext(iterated[0]) for _ in range(3)]
    assert [type(event) for event in late] == [Resynced, Recovered, Announcement]
    assert [type(event) for event in taken] == [Resynced, Recovered, Announcement]


async def test_a_callback_that_raises_is_reported_and_harms_nobody(
    worker: Worker, client_of: NewClient
) -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reports.append(context))

    def fail(event: Event) -> None:
        raise RuntimeError("oh")

    async with client_of() as client, client.subscribe(SHOW, fail):
        async for event in client.watch(SHOW):
            if isinstance(event, Announcement):
                break
            await worker.announce("one")
    assert {str(report["exception"]) for report in reports} == {"oh"}


async def test_a_show_that_is_not_there_raises_the_servers_error(
    worker: Worker, client_of: NewClient
) -> None:
    worker.answers["watch"] = lambda command: {
        "type": "error",
        "code": "not_found",
        "message": "no such show",
        "temporary": False,
    }
    async with client_of() as client:
        with pytest.raises(CallError, match="no such show"):
            await anext(client.watch(SHOW))
        with pytest.raises(CallError, match="no such show"):
            await client.subscribe(SHOW).ready()


async def test_closing_the_client_ends_iterations_after_what_waits(
    worker: Worker, client_of: NewClient
) -> None:
    async with client_of() as client:
        subscription = aiter(client.subscribe(SHOW))
        await subscription.ready()
        await worker.announce("one")
        await wait_until(lambda: subscription.state is not None and subscription.state.seq == 1)
    assert texts([event async for event in subscription]) == ["one"]


async def test_a_closed_subscription_is_never_ready(worker: Worker, client_of: NewClient) -> None:
    worker.answers["watch"] = lambda command: None
    async with client_of() as client:
        subscription = client.subscribe(SHOW)
        waiting = asyncio.create_task(subscription.ready())
        await wait_until(lambda: worker.heard_of("watch"))
        subscription.close()
        with pytest.raises(Disconnected):
            await waiting


async def test_only_one_task_at_a_time_iterates(worker: Worker, client_of: NewClient) -> None:
    async with client_of() as client, client.subscribe(SHOW) as subscription:
        await subscription.ready()
        await anext(subscription)
        waiting = asyncio.create_task(anext(subscription))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another task"):
            await anext(subscription)
        await worker.announce("one")
        assert texts([await waiting]) == ["one"]


async def test_a_slow_consumer_misses_no_event_and_sees_the_latest_stock(
    worker: Worker, client_of: NewClient
) -> None:
    async with client_of() as client, client.subscribe(SHOW) as subscription:
        events = aiter(subscription)
        await subscription.ready()
        for count in range(400):
            await worker.say(stock(1_000 - count, count + 1))
            await worker.announce(str(count))
        await wait_until(lambda: subscription.state is not None and subscription.state.seq == 400)
        seen: list[Event] = []
        while not (isinstance(seen[-1] if seen else None, Stock) and len(texts(seen)) == 400):
            seen.append(await anext(events))
    figures = [event for event in seen if isinstance(event, Stock)]
    assert texts(seen) == [str(count) for count in range(400)]
    assert len(figures) < 200
    assert figures[-1].units == {"drop-1": {"cap-red": 601}}


async def test_a_consumer_that_takes_nothing_ends_and_the_others_go_on(
    worker: Worker, client_of: NewClient
) -> None:
    seen: list[Event] = []
    async with client_of(inbox_max=5) as client, client.subscribe(SHOW, seen.append) as subscription:
        idle = aiter(subscription)
        await subscription.ready()
        for count in range(10):
            await worker.announce(str(count))
        await wait_until(lambda: len(texts(seen)) == 10)
        with pytest.raises(FellBehind) as caught:
            await anext(idle)
        assert caught.value.show == SHOW
        assert isinstance(await anext(client.watch(SHOW)), Resynced)


async def test_personal_events_come_with_their_shows(worker: Worker, client_of: NewClient) -> None:
    async with client_of() as client, client.subscribe(SHOW) as subscription:
        await subscription.ready()
        events = aiter(subscription)
        await anext(events)
        await worker.say({"type": "hold_placed", "show": SHOW, "offset": 4, "hold": hold_view()})
        placed = await anext(events)
        assert [hold.hold for hold in subscription.holds] == ["h1"]
        await worker.say(
            {"type": "order_confirmed", "show": SHOW, "offset": 5, "hold": hold_view(state="sold")}
        )
        confirmed = await anext(events)
        assert subscription.holds == client.holds(SHOW) == ()
    assert [type(event).__name__ for event in (placed, confirmed)] == ["HoldPlaced", "OrderConfirmed"]


async def test_two_hundred_clients_in_one_process_see_the_same() -> None:
    async with Worker() as worker:
        clients = [Client(worker.url, backoff=QUICK) for _ in range(200)]
        seen: list[list[Event]] = [[] for _ in clients]
        await asyncio.gather(*(client.connect() for client in clients))
        for client, events in zip(clients, seen, strict=True):
            client.subscribe(SHOW, events.append)
        await wait_until(lambda: all(seen))
        for count in range(5):
            await worker.announce(str(count))
        await wait_until(lambda: all(len(events) == 6 for events in seen))
        await asyncio.gather(*(client.close() for client in clients))
    assert {tuple(texts(events)) for events in seen} == {("0", "1", "2", "3", "4")}
