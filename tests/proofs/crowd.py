"""A share of a large crowd as a process of its own: `python -m tests.proofs.crowd`, started by `Crowd` below.

One line of JSON on standard input says who watches and who trades; "ready" comes back when everybody watches.
Then lines of words: "trade" lets the traders begin, "rest" has them stop, "end N" has everybody wait for the event N
and brings the accounts, one line of JSON. The end of standard input ends the process.
"""

import asyncio
import random
import resource
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import uvloop

from dropcast_client import Backoff, Client, Connection, Phase, Subscription
from tests.history.following import Seen
from tests.history.history import Op
from tests.history.recording import Recorder
from tests.proofs.stage import DEADLINE_S
from tests.support.wait import wait_until

_LINE_BYTES_MAX = 2**30
_CONNECTING_AT_ONCE = 50


class Ticket(msgspec.Struct, frozen=True):
    viewer: str
    token: str


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What one process of the crowd is told."""

    urls: tuple[str, ...]
    show: str
    tickets: tuple[Ticket, ...]
    drop: str = ""
    sku: str = ""
    traders: int = 0
    """How many of the viewers trade as well."""
    pause_s: float = 0.2
    seed: int = 0


class Loss(msgspec.Struct, array_like=True):
    """A viewer without a connection, from when to when, in milliseconds since 1970. `back_ms` 0: never again."""

    lost_ms: int
    back_ms: int = 0


class Account(msgspec.Struct, kw_only=True):
    """What one process of the crowd saw."""

    seen: list[Seen]
    ops: list[Op]
    losses: dict[str, list[Loss]]
    offsets_s: float
    """What to add to a time of `ops` for seconds since 1970."""


class _Viewers:
    def __init__(self, share: Share) -> None:
        self._share = share
        self._recorder = Recorder(share.show)
        self._clients: list[Client] = []
        self._subscriptions: list[Subscription] = []
        self.account = Account(
            seen=[], ops=self._recorder.ops, losses={}, offsets_s=time.time() - time.monotonic()
        )
        self.resting = False

    async def enter(self, stack: AsyncExitStack) -> None:
        gate = asyncio.Semaphore(_CONNECTING_AT_ONCE)

        async def enter_one(ticket: Ticket) -> None:
            async with gate:
                client = Client(
                    self._share.urls,
                    token=ticket.token,
                    codec="msgpack",
                    backoff=Backoff(min_s=0.01, max_s=1.0),
                )
                await stack.enter_async_context(client)
                self._watch(client, ticket.viewer)
                await self._subscriptions[-1].ready()

        await asyncio.gather(*map(enter_one, self._share.tickets))

    def _watch(self, client: Client, viewer: str) -> None:
        seen = Seen(viewer=viewer)
        losses = self.account.losses.setdefault(viewer, [])

        def on_state(connection: Connection) -> None:
            now_ms = round(time.time() * 1000)
            if connection.phase is Phase.CONNECTED and losses:
                losses[-1].back_ms = now_ms
            elif connection.phase is Phase.CONNECTING and (not losses or losses[-1].back_ms):
                losses.append(Loss(now_ms))

        client.on_state(on_state)
        self._clients.append(client)
        self._subscriptions.append(client.subscribe(self._share.show, seen.on_event))
        self.account.seen.append(seen)

    async def trade(self) -> None:
        """Reserve and release until it is time to rest."""
        pairs = list(zip(self._clients, self.account.seen, strict=True))[: self._share.traders]
        await asyncio.gather(*(self._trade_one(client, seen.viewer) for client, seen in pairs))

    async def _trade_one(self, client: Client, viewer: str) -> None:
        chance = random.Random(f"{self._share.seed}/{viewer}")
        number = 0
        while not self.resting:
            await asyncio.sleep(chance.random() * self._share.pause_s)
            number += 1
            answer = await self._recorder.reserve(
                client, viewer, key=f"key-{number}", drop=self._share.drop, sku=self._share.sku, qty=1
            )
            hold = getattr(answer, "hold", "")
            if hold and chance.random() < 0.7:
                await self._recorder.release(client, viewer, hold)

    async def reach(self, top: int) -> None:
        """Wait until everybody has heard the event `top`; whoever has not says so in their account."""
        try:
            await wait_until(
                lambda: all(seen.last >= top for seen in self.account.seen), timeout_s=DEADLINE_S
            )
        except AssertionError:
            return


async def _run() -> None:
    reader = asyncio.StreamReader(limit=_LINE_BYTES_MAX)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    viewers = _Viewers(msgspec.json.decode(await reader.readline(), type=Share))
    trading: asyncio.Task[None] | None = None
    async with AsyncExitStack() as stack:
        await viewers.enter(stack)
        _say(b"ready")
        while line := (await reader.readline()).decode().split():
            match line:
                case ["trade"]:
                    trading = asyncio.create_task(viewers.trade())
                case ["rest"]:
                    viewers.resting = True
                    if trading is not None:
                        await trading
                    _say(b"resting")
                case ["end", top]:
                    await viewers.reach(int(top))
                    _say(msgspec.json.encode(viewers.account))
                    break


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


class Crowd:
    """The processes of a crowd, from the outside."""

    def __init__(self, processes: list[asyncio.subprocess.Process]) -> None:
        self._processes = processes

    async def tell(self, word: str) -> list[bytes]:
        """Say a word to every process; return what each answers, "trade" has no answer."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(word.encode() + b"\n")
            await process.stdin.drain()
        return [] if word == "trade" else [await _line(process) for process in self._processes]

    async def end(self, top: int) -> Account:
        """Wait until everybody has heard the event `top`, and return all accounts as one."""
        whole = Account(seen=[], ops=[], losses={}, offsets_s=0)
        for line in await self.tell(f"end {top}"):
            part = msgspec.json.decode(line, type=Account)
            whole.seen += part.seen
            whole.ops += part.ops
            whole.losses |= part.losses
            whole.offsets_s = part.offsets_s
        return whole


@asynccontextmanager
async def a_crowd(shares: list[Share]) -> AsyncIterator[Crowd]:
    """A crowd in which everybody watches."""
    processes = []
    try:
        for share in shares:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.proofs.crowd",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LINE_BYTES_MAX,
            )
            processes.append(process)
            assert process.stdin is not None
            process.stdin.write(msgspec.json.encode(share) + b"\n")
        for process in processes:
            assert await _line(process) == b"ready\n"
        yield Crowd(processes)
    finally:
        for process in processes:
            if process.stdin is not None:
                process.stdin.close()
            try:
                async with asyncio.timeout(DEADLINE_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _line(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    async with asyncio.timeout(2 * DEADLINE_S):
        return await process.stdout.readline()


def allow_many_sockets() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 20_000 if hard == resource.RLIM_INFINITY else min(hard, 20_000)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    allow_many_sockets()
    uvloop.run(_run())
