"""Drops open and close at their time, once, and holds end at theirs, whichever worker lives.

Many shows, watched and unwatched, have scheduled drops and short holds, while the worker that has the sweeper's
lease is stopped in its tracks (SIGSTOP) again and again. Every worker that follows a show wakes up for the same
deadline, so each opening is a race; the engine's log tells how often it happened and when.
"""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack

from dropcast.domain.events import DropClosed, DropOpened, DropScheduled, MovementKind
from dropcast.service.sweeping import LEASE
from dropcast.store.connection import ask, connect
from dropcast_client import Client, Held
from tests.history.checker import Truth
from tests.proofs.proof import Verdict
from tests.proofs.stage import Stage, a_server, folder
from tests.support.keys import keys

WORKERS = 3
LATE_MS = 1_000
HOLD_MS = 1_500
FIRST_MS = 3_000
STOP_S = 2.0
"""How long a worker stands still, each time."""


async def prove(seed: int, *, full: bool) -> Verdict:
    shows, drops, lasts_ms = (12, 10, 30_000) if full else (6, 5, 12_000)
    chance = random.Random(seed)
    async with (
        folder() as data_dir,
        a_server(data_dir, workers=WORKERS) as stage,
        AsyncExitStack() as stack,
    ):
        cleo = await stack.enter_async_context(stage.house.client("cleo", "creator"))
        ana = await stack.enter_async_context(stage.house.client("ana"))
        names = [await stage.house.live_show() for _ in range(shows)]
        # Half of the shows are followed, by several workers; the others are only the lease's.
        for number in range(4 * WORKERS):
            client = await stack.enter_async_context(stage.house.client(f"viewer-{number}"))
            for show in names[::2][:5]:
                await client.subscribe(show).ready()
        times = [await _pin(cleo, show, drops, lasts_ms, chance) for show in names]
        holding = asyncio.create_task(_hold(ana, stage, names, lasts_ms, chance))
        stopped = await _stop_lease_holders(stage, (FIRST_MS + lasts_ms) / 1000)
        holds = await holding
        await asyncio.sleep((HOLD_MS + 2 * LATE_MS) / 1000)
        truths = [await stage.truth(show) for show in names]
    problems: list[str] = []
    late_ms: list[int] = []
    for truth, planned in zip(truths, times, strict=True):
        problems += _wrong_hours(truth, planned, late_ms)
        problems += _wrong_ends(truth, late_ms)
    ended = sum(
        movement.kind is MovementKind.EXPIRED
        for truth in truths
        for entry in truth.journal
        for movement in entry.movements
    )
    if ended != holds:
        problems.append(f"{holds} holds were made and {ended} ended")
    figures = {
        "shows": shows,
        "drops": sum(map(len, times)),
        "holds": holds,
        "workers_stopped": stopped,
        "late_ms_max": max(late_ms, default=0),
        "late_ms_median": sorted(late_ms)[len(late_ms) // 2] if late_ms else 0,
        "early": sum(late < 0 for late in late_ms),
    }
    return Verdict(figures=figures, problems=problems)


async def _pin(
    cleo: Client, show: str, drops: int, lasts_ms: int, chance: random.Random
) -> dict[str, tuple[int, int]]:
    """Pin drops that open and close by themselves, and one that is open at once. Return the hours of each."""
    times = {}
    await cleo.pin(show=show, product="scarf", units={"SCARF-RED": 1_000}, limit=1_000, hold_ms=HOLD_MS)
    now_ms = round(cleo.server_time_ms())
    for number in range(drops):
        opens_ms = now_ms + FIRST_MS + chance.randrange(lasts_ms)
        closes_ms = opens_ms + 200 + chance.randrange(2_000)
        done = await cleo.pin(
            show=show,
            product="mug",
            units={"MUG": 1},
            key=f"drop-{number}",
            opens_at_ms=opens_ms,
            closes_at_ms=closes_ms,
        )
        times[done.drop] = (opens_ms, closes_ms)
    return times


async def _hold(ana: Client, stage: Stage, shows: list[str], lasts_ms: int, chance: random.Random) -> int:
    """Take holds of short life in all shows. Return how many there were."""
    drops = {}
    for show in shows:
        drops[show] = (await stage.truth(show)).snapshot.drops[0].id
    made = 0
    loop = asyncio.get_running_loop()
    until_s = loop.time() + lasts_ms / 1000
    while loop.time() < until_s:
        show = chance.choice(shows)
        held = await ana.reserve(show=show, drop=drops[show], sku="SCARF-RED", timeout_s=30)
        made += isinstance(held, Held)
        await asyncio.sleep(chance.random() * 0.2)
    return made


async def _stop_lease_holders(stage: Stage, lasts_s: float) -> int:
    """Stop whichever worker has the sweeper's lease, for a while each. Return how often."""
    client = connect(stage.running.engine_url)
    stopped = 0
    loop = asyncio.get_running_loop()
    until_s = loop.time() + lasts_s
    try:
        while loop.time() < until_s:
            holder = await ask(client, "GET", keys.lease(LEASE))
            if holder is not None:
                pid = stage.running.pids[holder.decode().partition("-")[0]]
                os.kill(pid, signal.SIGSTOP)
                try:
                    stopped += 1
                    await asyncio.sleep(STOP_S)
                finally:
                    os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(0.5)
    finally:
        await client.aclose()
    return stopped


def _wrong_hours(truth: Truth, planned: dict[str, tuple[int, int]], late_ms: list[int]) -> Iterator[str]:
    """Every drop was announced, opened and closed once, in time and never early."""
    for kind, due in ((DropScheduled, None), (DropOpened, 0), (DropClosed, 1)):
        events = [event for event in truth.events if isinstance(event, kind) and event.drop in planned]
        counted = Counter(event.drop for event in events)
        for drop in planned:
            if counted[drop] != 1:
                yield f"drop {drop}: {counted[drop]} times {kind.__name__}"
        if due is None:
            continue
        for event in events:
            late = event.at_ms - planned[event.drop][due]
            late_ms.append(late)
            if not 0 <= late <= LATE_MS:
                yield f"drop {event.drop}: {kind.__name__} {late} ms after its time"


def _wrong_ends(truth: Truth, late_ms: list[int]) -> Iterator[str]:
    """Every hold that was not paid ended in time and never early."""
    deadline: dict[str, int] = {}
    for entry in truth.journal:
        for movement in entry.movements:
            if movement.kind is MovementKind.HELD:
                deadline[movement.hold] = movement.expires_at_ms
            elif movement.kind is MovementKind.EXPIRED:
                late = entry.at_ms - deadline.pop(movement.hold)
                late_ms.append(late)
                if not 0 <= late <= LATE_MS:
                    yield f"hold {movement.hold} ended {late} ms after its deadline"
    for hold in deadline:
        yield f"hold {hold} never ended"
