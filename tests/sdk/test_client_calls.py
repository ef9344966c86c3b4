"""Calls of the asyncio client over real sockets."""

import asyncio
from typing import Any

import pytest

from dropcast_client import CallError, Disconnected, Held, OutcomeUnknown, Refused, Released, Resynced, Sold
from dropcast_client.commands import Reserve
from dropcast_client.events import Event
from tests.sdk.conftest import NewClient
from tests.sdk.worker import SHOW, Message, Worker, hold_view
from tests.support.wait import wait_until

BUY: dict[str, Any] = {"show": SHOW, "drop": "drop-1", "sku": "cap-red"}

both_codecs = pytest.mark.parametrize("worker", ["json", "msgpack"], indirect=True)


def answer(kind: str, **fields: Any) -> Any:
    return lambda command: {"type": kind, "show": SHOW, "offset": 3} | fields


@both_codecs
async def test_a_hold_is_bought(worker: Worker, client_of: NewClient) -> None:
    worker.answers["checkout"] = answer("sold", hold="h-k1", order="oh-k1", amount_minor=1_900)
    async with client_of() as client:
        held = await client.reserve(**BUY, key="k1")
        assert isinstance(held, Held)
        assert [hold.hold for hold in client.holds(SHOW)] == ["h-k1"]
        sold = await client.checkout(show=SHOW, hold=held.hold, payment="tok")
        assert isinstance(sold, Sold)
        assert client.holds(SHOW) == ()


async def test_a_refusal_is_a_value(worker: Worker, client_of: NewClient) -> None:
    worker.answers["reserve"] = answer("refused", reason="sold_out")
    worker.answers["checkout"] = answer("refused", reason="declined", detail="no funds")
    worker.answers["release"] = answer("released", hold="h1")
    async with client_of() as client:
        refused = await client.reserve(**BUY)
        assert isinstance(refused, Refused)
        assert refused.reason == "sold_out"
        declined = await client.checkout(show=SHOW, hold="h1", payment="tok")
        assert isinstance(declined, Refused)
        assert declined.detail == "no funds"
        assert isinstance(await client.release(show=SHOW, hold="h1"), Released)


async def test_an_error_is_raised(worker: Worker, client_of: NewClient) -> None:
    worker.answers["reserve"] = answer("error", code="not_found", message="no such drop", temporary=False)
    async with client_of() as client:
        with pytest.raises(CallError, match="not_found: no such drop") as caught:
            await client.reserve(**BUY)
    assert (caught.value.temporary, caught.value.outcome_unknown) == (False, False)


async def test_a_reply_of_the_wrong_type_is_an_error(worker: Worker, client_of: NewClient) -> None:
    worker.answers["reserve"] = answer("left")
    worker.answers["release"] = answer("thanks")
    async with client_of() as client:
        with pytest.raises(CallError, match="`left` is no answer"):
            await client.reserve(**BUY)
        with pytest.raises(CallError, match="`thanks` is no answer"):
            await client.release(show=SHOW, hold="h1")


async def test_each_call_without_a_key_has_one_of_its_own(worker: Worker, client_of: NewClient) -> None:
    async with client_of() as client:
        await asyncio.gather(*(client.reserve(**BUY) for _ in range(20)))
    assert len({command["key"] for command in worker.heard_of("reserve")}) == 20


async def test_a_creator_pins_updates_unpins_and_announces(worker: Worker, client_of: NewClient) -> None:
    async with client_of() as client:
        await client.pin(show=SHOW, product="cap", units={"cap-red": 5}, prices={"cap-red": 1}, limit=2)
        await client.update(show=SHOW, drop="d", add_units={"cap-red": -1}, hold_ms=60_000)
        await client.unpin(show=SHOW, drop="d", key="mine")
        done = await client.announce(show=SHOW, text="hello", data={"a": [1]})
    assert done.seq == 0
    said = [{**command, "key": "k"} for command in worker.heard[1:]]
    assert [{name: command[name] for name in command if name != "id"} for command in said] == [
        {
            "type": "pin",
            "show": SHOW,
            "key": "k",
            "product": "cap",
            "units": {"cap-red": 5},
            "prices": {"cap-red": 1},
            "limit": 2,
        },
        {
            "type": "update",
            "show": SHOW,
            "drop": "d",
            "key": "k",
            "add_units": {"cap-red": -1},
            "hold_ms": 60_000,
        },
        {"type": "unpin", "show": SHOW, "drop": "d", "key": "k"},
        {"type": "announce", "show": SHOW, "key": "k", "text": "hello", "data": {"a": [1]}},
    ]


async def test_without_an_answer_in_time_the_outcome_is_unknown(worker: Worker, client_of: NewClient) -> None:
    worker.answers["reserve"] = lambda command: None
    async with client_of() as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await client.reserve(**BUY, key="k1", timeout_s=0.05)
    command = caught.value.command
    assert isinstance(command, Reserve)
    assert command.key == "k1"


async def test_a_call_under_way_survives_a_cut_with_the_same_key(
    worker: Worker, client_of: NewClient
) -> None:
    def cut_the_first(command: Message) -> Message | None:
        if len(worker.heard_of("reserve")) == 1:
            worker.cut_sockets()
            return None
        return {"type": "held", "show": SHOW, "offset": 3, **hold_view()}

    worker.answers["reserve"] = cut_the_first
    async with client_of() as client:
        assert isinstance(await client.reserve(**BUY), Held)
    first, second = worker.heard_of("reserve")
    assert first == second


async def test_closing_tells_calls_under_way_that_their_outcome_is_unknown(
    worker: Worker, client_of: NewClient
) -> None:
    worker.answers["reserve"] = lambda command: None
    async with client_of() as client:
        call = asyncio.create_task(client.reserve(**BUY))
        await wait_until(lambda: worker.heard_of("reserve"))
    with pytest.raises(OutcomeUnknown):
        await call


async def test_a_call_that_could_not_be_sent_says_so(worker: Worker, client_of: NewClient) -> None:
    worker.answers["hello"] = lambda command: None if len(worker.heard_of("hello")) > 1 else welcome()
    async with client_of() as client:
        worker.cut_sockets()
        await wait_until(lambda: len(worker.heard_of("hello")) == 2)
        with pytest.raises(Disconnected):
            await client.reserve(**BUY, timeout_s=0.02)
    assert worker.heard_of("reserve") == []


async def test_a_cancelled_call_leaves_nothing_behind(worker: Worker, client_of: NewClient) -> None:
    worker.answers["reserve"] = lambda command: None
    async with client_of() as client:
        call = asyncio.create_task(client.reserve(**BUY))
        await wait_until(lambda: worker.heard_of("reserve"))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        worker.cut_sockets()
        await wait_until(lambda: len(worker.heard_of("hello")) == 2)
        await client.ping()
    assert len(worker.heard_of("reserve")) == 1


async def test_a_call_inside_the_iteration_does_not_deadlock(worker: Worker, client_of: NewClient) -> None:
    bought = []
    async with asyncio.timeout(5), client_of() as client:
        async for event in client.watch(SHOW):
            bought.append(await client.reserve(**BUY))
            await client.ping()
            if not isinstance(event, Resynced):
                break
            await worker.announce("next")
    assert [type(reply) for reply in bought] == [Held, Held]


async def test_a_call_from_a_callback_does_not_deadlock(worker: Worker, client_of: NewClient) -> None:
    tasks: list[asyncio.Task[Held | Refused]] = []
    async with asyncio.timeout(5), client_of() as client:

        def buy(event: Event) -> None:
            tasks.append(asyncio.create_task(client.reserve(**BUY)))

        with_state = client.on_state(
            lambda connection: tasks.append(asyncio.create_task(client.reserve(**BUY)))
        )
        async with client.subscribe(SHOW, buy) as subscription:
            await subscription.ready()
            worker.cut_sockets()
            await wait_until(lambda: len(worker.heard_of("hello")) == 2)
            await wait_until(lambda: len(tasks) >= 3)
            with_state()
            assert all(isinstance(reply, Held) for reply in await asyncio.gather(*tasks))


async def test_ping_returns_the_round_trip(worker: Worker, client_of: NewClient) -> None:
    async with client_of() as client:
        assert 0 < await client.ping() < 5_000
        assert client.server_time_uncertainty_ms < 2_500


def welcome() -> Message:
    limits = {"message_bytes_max": 65_536, "tick_ms": 25_000}
    return {"type": "welcome", "viewer": "eve", "role": "viewer", "server_time_ms": 1, "limits": limits}
