"""What all examples of the state machine share: an event loop of their own, and connections."""

import asyncio
from typing import Any

from redis.asyncio import Redis

from dropcast.store import library
from dropcast.store.connection import ask, connect
from dropcast.store.tail import Tail
from tests.support.engine import leaked_keys


class Driver:
    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.client: Redis = connect(url)
        self.tail = Tail(connect(url))
        self.runner.run(library.load(self.client))
        # Thousands of steps, and none of them is about the disk.
        self.runner.run(ask(self.client, "CONFIG", "SET", "appendfsync", "no"))

    def run(self, awaitable: Any) -> Any:
        return self.runner.run(awaitable)

    def close(self) -> None:
        self.run(ask(self.client, "CONFIG", "SET", "appendfsync", "always"))
        self.run(self.tail.close())
        assert self.run(leaked_keys(self.client)) == []
        self.run(self.client.aclose())
        self.runner.close()
