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
        await self.follow(self.second, self.first)
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

    async def hang_up(self, engine: EmbeddedEngine) -> None:
        """Close every connection that others have to `engine`."""
        client = self.client(engine)
        for kind in ("normal", "pubsub"):
            await ask(client, "CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    def client(self, engine: EmbeddedEngine | None = None) -> Redis:
        """Return a client to one of the two, or to the address."""
        client = connect(self.url if engine is None else engine.url)
        self._clients.append(client)
        return client

    async def follow(self, replica: EmbeddedEngine, primary: EmbeddedEngine) -> None:
        """Make one the other's replica. It does not wait for the two to be in step."""
        port = _free_port()
        client = self.client(primary)
        await ask(client, "CONFIG", "SET", "bind", "127.0.0.1")
        await ask(client, "CONFIG", "SET", "port", port, "repl-diskless-sync-delay", 0)
        await ask(self.client(replica), "REPLICAOF", "127.0.0.1", port)

    async def in_step(
        self, primary: EmbeddedEngine | None = None, replica: EmbeddedEngine | None = None
    ) -> None:
        """Wait until the replica has all that the primary has; by default the second what the first has."""
        of_primary, of_replica = self.client(primary or self.first), self.client(replica or self.second)

        async def has_all() -> bool:
            told = await ask(of_primary, "INFO", "replication")
            found = await ask(of_replica, "INFO", "replication")
            is_linked = found.get("master_link_status") == "up"
            return is_linked and bool(told["master_repl_offset"] == found["slave_repl_offset"])

        await wait_until(has_all, timeout_s=30)

    async def cut(self, primary: EmbeddedEngine) -> None:
        """Have what is written to `primary` from now on reach no replica."""
        client = self.client(primary)
        await ask(client, "CONFIG", "SET", "port", 0)
        await ask(client, "CLIENT", "KILL", "TYPE", "replica")

    async def promote(self, engine: EmbeddedEngine | None = None) -> None:
        """Cut a replica off and make it a primary; by default the second."""
        await ask(self.client(engine or self.second), "REPLICAOF", "NO", "ONE")

    async def hand_over(self) -> None:
        """A planned failover: the second is the primary from now on, the first its replica, and nothing is lost.

        The first keeps its data and its functions: it goes on where it was, without a whole copy.
        """
        first = self.client(self.first)
        await ask(first, "CLIENT", "PAUSE", 30_000, "WRITE")
        await self.in_step()
        await self.promote()
        await self.follow(self.first, self.second)
        await ask(first, "CLIENT", "UNPAUSE")
        await self.in_step(self.second, self.first)
        told = await ask(self.client(self.second), "INFO", "stats")
        assert told["sync_partial_ok"] == 1, "the first took a whole copy"
