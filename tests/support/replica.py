"""Two engines, one the other's replica, and one address that leads to whichever is meant to be the primary."""

import socket
from pathlib import Path

from redis.asyncio import Redis

from dropcast.store.connection import ask, connect
from dropcast.store.embedded import EmbeddedEngine
from tests.support import engines
from tests.support.wait import wait_until


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Pair:
    """`first` is the primary and `second` its replica until they are told otherwise."""

    def __init__(self, folder: Path) -> None:
        self.first = EmbeddedEngine(folder / "first", binary=engines.binary())
        self.second = EmbeddedEngine(folder / "second", binary=engines.binary())
        self._address = folder / "engine.sock"
        self.url = f"unix://{self._address}"
        self._clients: list[Redis] = []

    async def __aenter__(self) -> "Pair":
        for engine in (self.first, self.second):
            engine.start()
        port = _free_port()
        async with connect(self.first.url) as client:
            await ask(client, "CONFIG", "SET", "bind", "127.0.0.1")
            await ask(client, "CONFIG", "SET", "port", port)
        async with connect(self.second.url) as client:
            await ask(client, "REPLICAOF", "127.0.0.1", port)
        self.lead_to(self.first)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for client in self._clients:
            await client.aclose()
        self.first.stop()
        self.second.stop()

    def lead_to(self, engine: EmbeddedEngine) -> None:
        """Have the address lead to `engine`; connections that are open stay where they are."""
        self._address.unlink(missing_ok=True)
        self._address.symlink_to(engine.socket_path)

    def client(self, engine: EmbeddedEngine | None = None) -> Redis:
        """Return a client to one of the two, or to the address."""
        client = connect(self.url if engine is None else engine.url)
        self._clients.append(client)
        return client

    async def in_step(self) -> None:
        """Wait until the replica has all that the primary has."""
        first, second = self.client(self.first), self.client(self.second)

        async def has_all() -> bool:
            primary = await ask(first, "INFO", "replication")
            replica = await ask(second, "INFO", "replication")
            is_linked = replica.get("master_link_status") == "up"
            return is_linked and bool(primary["master_repl_offset"] == replica["slave_repl_offset"])

        await wait_until(has_all, timeout_s=30)

    async def promote(self) -> None:
        """Cut the replica off and make it a primary."""
        await ask(self.client(self.second), "REPLICAOF", "NO", "ONE")
