"""The client on uvloop: the same calls, the same coming back."""

import asyncio

import uvloop

from dropcast_client import Announcement, Client, Held, Recovered
from tests.sdk.conftest import QUICK
from tests.sdk.worker import SHOW, Worker


async def buy_and_come_back() -> list[str]:
    seen = []
    async with Worker("msgpack") as worker, Client(worker.url, codec="msgpack", backoff=QUICK) as client:
        async for event in client.watch(SHOW):
            if isinstance(event, Announcement):
                seen.append(event.text)
            elif isinstance(event, Recovered):
                break
            else:
                assert isinstance(await client.reserve(show=SHOW, drop="drop-1", sku="cap-red"), Held)
                await worker.announce("before")
                worker.cut_sockets()
                worker.event("announcement", text="while away")
    return seen


def test_it_buys_and_comes_back_on_uvloop() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(buy_and_come_back()) == ["before", "while away"]
