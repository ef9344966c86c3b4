"""Viewers on two workers have the same history of numbered events, whatever their connections go through."""

import asyncio
import random
from contextlib import AsyncExitStack

from dropcast_client import Client, Event, Resynced
from tests.support.house import House
from tests.support.proxy import Proxy
from tests.support.wait import wait_until

VIEWERS = 12
DISCONNECTS = 50
EVENTS = 150


class History:
    """What one viewer saw: numbered events after its first state."""

    def __init__(self) -> None:
        self.first = 0
        self.seqs: list[int] = []
        self.resyncs = 0

    def on_event(self, event: Event) -> None:
        if isinstance(event, Resynced):
            if event.first:
                self.first = event.seq
            else:
                self.resyncs += 1
        else:
            seq = getattr(event, "seq", 0)
            if seq and hasattr(event, "at_ms"):
                self.seqs.append(seq)


async def test_fifty_random_disconnects_leave_no_gap_and_no_duplicate(house: House) -> None:
    chance = random.Random(7)
    show = await house.live_show()
    async with AsyncExitStack() as stack:
        cleo = await stack.enter_async_context(house.client("cleo", "creator"))
        proxies: list[Proxy] = []
        histories: list[History] = []
        clients: list[Client] = []
        for number in range(VIEWERS):
            proxy = await stack.enter_async_context(Proxy(house.port))
            codec = "json" if number % 2 else "msgpack"
            url = f"ws://127.0.0.1:{proxy.port}"
            client = await stack.enter_async_context(house.client(f"viewer-{number}", url=url, codec=codec))
            history = History()
            await client.subscribe(show, history.on_event).ready()
            proxies.append(proxy)
            histories.append(history)
            clients.append(client)

        cuts = 0
        last = 0
        for number in range(EVENTS):
            last = (await cleo.announce(show=show, text=f"word {number}")).seq
            # A connection that is down cannot be cut: count those that were.
            while cuts < DISCONNECTS * (number + 1) // EVENTS:
                cuts += chance.choice(proxies).cut() > 0
                await asyncio.sleep(0)

        await wait_until(lambda: all(history.seqs[-1:] == [last] for history in histories), timeout_s=30)
        for history in histories:
            assert history.resyncs == 0
            assert history.seqs == list(range(history.first + 1, last + 1))
        assert cuts == DISCONNECTS
        assert sum(proxy.accepted for proxy in proxies) >= VIEWERS + DISCONNECTS // 2


async def test_both_workers_count_the_same_viewers(house: House) -> None:
    show = await house.live_show()
    async with AsyncExitStack() as stack:
        subscriptions = []
        for number in range(16):
            client = await stack.enter_async_context(house.client(f"viewer-{number}"))
            subscriptions.append(client.subscribe(show))
        states = [await subscription.ready() for subscription in subscriptions]
        await wait_until(lambda: all(state.viewers == 16 for state in states), timeout_s=20)
