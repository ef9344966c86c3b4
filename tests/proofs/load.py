"""One client cannot make the server work without limit: attacks of every kind, while honest buyers trade elsewhere.

The buyers trade on another show of the same server. Slices in which the attackers attack take turns with slices in
which the same connections send as many pings: the buyers' p99 beside the attack is at most twice the other, or 10 ms.
Memory stays within the bounds of docs/limits.md, and a second after the attackers' connections were closed, workers
and engine do no more than before. PROVE_ATTACKS names the attacks to prove, with commas; without it all of them.
"""

import asyncio
import os
import socket
import sys
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from redis.asyncio import Redis

from dropcast.settings import Settings
from dropcast.store.connection import connect
from tests.proofs.attacks import catalogue
from tests.proofs.attacks.attack import (
    ENGINE_SLACK_BYTES,
    SLACK_BYTES,
    WORKERS,
    Attack,
    Order,
    Tally,
    Target,
)
from tests.proofs.attacks.figures import Bounds, Pair, Part, judge, summary
from tests.proofs.attacks.honest import Buyers, Honest, honest_buyers
from tests.proofs.attacks.measure import Meter
from tests.proofs.attacks.process import Attackers, attackers
from tests.proofs.attacks.shows import SKU, make_target, open_show
from tests.proofs.proof import Verdict
from tests.proofs.stage import folder
from tests.support.house import House
from tests.support.server import SECRET, Server

BUYERS = 100
REQUESTS_PER_S = 200.0
WARM_UP_S = 1.5
SETTLE_S = 1.0
"""How long after its sockets an attack may go on to cost something."""
PAUSE_S = 0.3
_WATCH_S = 0.05
_ENGINE_EVERY = 5
_WRITES_PER_READ_MAX = 0.1
_LOG_CHARS = 3_000


class Size(NamedTuple):
    """How much is measured: `pairs` at first, and as many again up to `pairs_max` while a bound does not hold."""

    is_full: bool
    slice_s: float
    pairs: int
    pairs_max: int


FULL = Size(is_full=True, slice_s=5.0, pairs=4, pairs_max=8)
SMALL = Size(is_full=False, slice_s=2.0, pairs=1, pairs_max=5)


async def prove(seed: int, *, full: bool) -> Verdict:
    """`seed` says with which slice the pairs begin."""
    chosen = _chosen(os.environ.get("PROVE_ATTACKS", ""))
    figures: dict[str, Any] = {}
    problems: list[str] = []
    for guests in (False, True):
        left = [attack for attack in chosen if attack.guests == guests]
        while left:
            found: list[str] = []
            async with _a_scene(guests, FULL if full else SMALL) as scene:
                # An attack that did not hold may leave work behind: the next one is made on another server.
                while left and not found:
                    attack = left.pop(0)
                    figures[attack.name], found = await _proved(scene, attack, seed)
                    problems += [f"{attack.name}: {problem}" for problem in found]
            problems += scene.faults()
    return Verdict(figures=figures, problems=problems)


async def _proved(scene: "Scene", attack: Attack, seed: int) -> tuple[dict[str, Any], list[str]]:
    """Prove one attack and say how it went. What the proof raises is what is wrong."""
    try:
        figures, problems = await scene.prove(attack, seed)
    except Exception:
        figures, problems = {}, [traceback.format_exc()]
    print(f"load: {attack.name} {'does not hold' if problems else 'holds'}", file=sys.stderr, flush=True)
    return figures, problems


def _chosen(names: str) -> list[Attack]:
    if not names:
        return list(catalogue.ATTACKS)
    return [catalogue.BY_NAME[name.strip()] for name in names.split(",")]


class Scene:
    """A server under attack, with its honest buyers and its attackers."""

    def __init__(
        self,
        size: Size,
        server: Server,
        client: Redis,
        target: Target,
        honest: Honest,
        attackers: Attackers,
    ) -> None:
        self._size = size
        self._server = server
        self._settings: Settings = server.settings
        self._client = client
        self._target = target
        self._honest = honest
        self._attackers = attackers
        self._meter = Meter(server.process.pid, client)
        self._tallies: list[Tally] = []

    async def prove(self, attack: Attack, seed: int) -> tuple[dict[str, Any], list[str]]:
        """Return the figures of an attack, and what is wrong."""
        self._tallies = []
        size = self._size
        show = await open_show(self._client)
        await self._honest.trade(show.show, "d1")
        cpu_before = await self._meter.cores(WARM_UP_S)
        pairs: list[Pair] = []
        problems = ["not proved"]
        while problems and len(pairs) < size.pairs_max and not _goes_on(pairs):
            for _ in range(size.pairs):
                pairs.append(await self._pair(attack, attack_first=(seed + len(pairs)) % 2 == 0))
            bounds = Bounds(
                worker_bytes=SLACK_BYTES + attack.worker_bytes(self._settings),
                engine_bytes=ENGINE_SLACK_BYTES + attack.engine_bytes(self._settings),
                asked_min=attack.asked_min,
                cpu_before=cpu_before,
            )
            problems = judge(pairs, bounds)
        for tally in self._tallies:
            problems += attack.check(tally, self._settings)
        figures = {**summary(pairs, bounds), **self._told()}
        if attack.reads_only:
            figures["writes_per_read"] = await self._writes_per_read(attack)
            if figures["writes_per_read"] > _WRITES_PER_READ_MAX:
                problems.append(f"a read makes the engine write {figures['writes_per_read']} times")
        if not self._meter.is_whole:
            problems.append("a process of the server has ended")
        return figures, problems

    def _told(self) -> dict[str, Any]:
        """What the attackers were told in all slices."""
        heard: dict[str, int] = {}
        notes: dict[str, float] = {}
        for tally in self._tallies:
            for kind, count in tally.heard.items():
                heard[kind] = heard.get(kind, 0) + count
            for name, value in tally.notes.items():
                notes[name] = max(notes.get(name, 0.0), round(value, 3))
        return {"heard": heard, "lost": sum(tally.lost for tally in self._tallies), **notes}

    async def _pair(self, attack: Attack, *, attack_first: bool) -> Pair:
        parts: dict[bool, Part] = {}
        for is_harmless in (not attack_first, attack_first):
            parts[is_harmless] = await self._part(attack, is_harmless)
        return Pair(harmless=parts[True], attack=parts[False])

    def _order(self, attack: Attack, seconds: float, is_harmless: bool) -> Order:
        return Order(
            attack=attack.name,
            target=self._target,
            seconds=seconds,
            is_harmless=is_harmless,
            is_full=self._size.is_full,
        )

    async def _part(self, attack: Attack, is_harmless: bool) -> Part:
        order = self._order(attack, self._size.slice_s, is_harmless)
        workers, engine = self._meter.worker_bytes(), await self._meter.engine_bytes()
        running = asyncio.create_task(self._attackers.carry_out(order))
        most_workers, most_engine = workers, engine
        looks = 0
        while not running.done():
            most_workers = max(most_workers, self._meter.worker_bytes())
            if looks % _ENGINE_EVERY == 0:
                most_engine = max(most_engine, await self._meter.engine_bytes())
            looks += 1
            await asyncio.sleep(_WATCH_S)
        tally = await running
        most_engine = max(most_engine, await self._meter.engine_bytes())
        cpu_after = 0.0
        if is_harmless:
            await asyncio.sleep(PAUSE_S)
        else:
            self._tallies.append(tally)
            await asyncio.sleep(max(0.0, tally.closed_s + SETTLE_S - time.monotonic()))
            cpu_after = await self._meter.cores(1.0)
        heard = await self._honest.part(tally.began_s, tally.closed_s)
        # What waits still would be taken for the doing of the slice that comes next.
        goes_on = not await self._honest.is_calm()
        return Part(
            latencies_ms=heard.latencies_ms,
            unanswered=heard.unanswered,
            refused=heard.refused,
            asked=tally.asked,
            seconds=tally.closed_s - tally.began_s,
            worker_growth_bytes=max(most_workers, self._meter.worker_bytes()) - workers,
            engine_growth_bytes=most_engine - engine,
            goes_on=goes_on,
            cpu_after=cpu_after,
        )

    async def _writes_per_read(self, attack: Attack) -> float:
        """Return how often a read of the attack makes the engine write, beyond what it writes beside pings.

        The least of three tries: the server's own timers write too, a second more or less of them, but what a read
        writes it writes each time.
        """
        await self._honest.rest()
        return min([await self._extra_writes(attack) for _ in range(3)])

    async def _extra_writes(self, attack: Attack) -> float:
        written = {}
        asked = 1
        for is_harmless in (True, False):
            order = self._order(attack, 1.0, is_harmless)
            before = await self._meter.writes()
            asked = (await self._attackers.carry_out(order)).asked
            written[is_harmless] = await self._meter.writes() - before
        return round(max(0, written[False] - written[True]) / max(1, asked), 2)

    def faults(self) -> list[str]:
        """Return what the server's log has that it should not."""
        log = "".join(self._server.lines)
        return [f"the server logged:\n{log[-_LOG_CHARS:]}"] if "Traceback" in log else []


def _goes_on(pairs: list[Pair]) -> bool:
    """Whether more pairs would tell nothing, for the server is not itself again."""
    return any(part.goes_on for pair in pairs for part in (pair.harmless, pair.attack))


@asynccontextmanager
async def _a_scene(guests: bool, size: Size) -> AsyncIterator[Scene]:
    async with folder() as data_dir, AsyncExitStack() as stack:
        metrics_port = _free_port()
        server = await asyncio.to_thread(
            Server,
            data_dir,
            workers=WORKERS,
            metrics_port=metrics_port,
            guest_buying=guests,
        )
        stack.callback(server.stop)
        client = connect(_engine_url(data_dir))
        stack.push_async_callback(client.aclose)
        house = House(server.settings, server.port, SECRET)
        await house.import_catalogue()
        target = await make_target(client, house, metrics_port)
        buyers = Buyers(
            port=server.port,
            tokens=tuple(house.token(f"honest-{number}") for number in range(BUYERS)),
            per_s=REQUESTS_PER_S,
            sku=SKU,
        )
        honest = await stack.enter_async_context(honest_buyers(buyers))
        yield Scene(size, server, client, target, honest, await stack.enter_async_context(attackers()))


def _engine_url(data_dir: Path) -> str:
    (path,) = data_dir.glob("**/*.sock")
    return f"unix://{path}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
