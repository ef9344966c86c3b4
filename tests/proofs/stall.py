"""One viewer in twenty stops reading: each is evicted within two heartbeats, and nobody else notices.

Events of 200 bytes flow at twenty a second. So few bytes that the kernel's buffers would hide a stall for minutes:
the server has to find out by itself.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from dropcast.settings import Settings
from dropcast_client import Client
from tests.proofs.crowd import Account, Share, Ticket, a_crowd, allow_many_sockets
from tests.proofs.proof import Verdict
from tests.proofs.stage import Stage, a_server, folder
from tests.support.mute_socket import MuteSocket
from tests.support.processes import memory_bytes

DEFAULTS = Settings()
"""The heartbeat and all else as they are when nobody changes them."""
SMALL_TICK_MS = 15_000
EVENTS_PER_S = 20
EVENT_BYTES = 200
STALLED_SHARE = 20
PROCESSES = 2
MEMORY_SLACK_BYTES = 8 * 2**20
SETTLE_S = 3.0


async def prove(seed: int, *, full: bool) -> Verdict:
    viewers, tick_ms = (1_000, DEFAULTS.tick_ms) if full else (400, SMALL_TICK_MS)
    stall_ms = DEFAULTS.stall_ms * tick_ms // DEFAULTS.tick_ms
    allow_many_sockets()
    async with (
        folder() as data_dir,
        a_server(data_dir, workers=2, tick_ms=tick_ms, stall_ms=stall_ms) as stage,
        AsyncExitStack() as stack,
    ):
        show = await stage.house.live_show()
        watching = _shares(stage, show, viewers - viewers // STALLED_SHARE, seed)
        crowd = await stack.enter_async_context(a_crowd(watching))
        cleo = await stack.enter_async_context(stage.house.client("cleo", "creator"))
        stalled: list[MuteSocket] = []
        talking = asyncio.create_task(_talk(cleo, show))
        await asyncio.sleep(SETTLE_S)
        before = _memory_bytes(stage)
        for _ in range(viewers // STALLED_SHARE):
            mute = await asyncio.to_thread(MuteSocket, stage.running.port, show)
            stack.callback(mute.close)
            stalled.append(mute)
        peak = await _watch(stalled, 4 * tick_ms / 1000, lambda: _memory_bytes(stage))
        await asyncio.sleep(SETTLE_S)
        after = _memory_bytes(stage)
        talking.cancel()
        await asyncio.wait([talking])
        top = (await stage.truth(show)).snapshot.seq
        account = await crowd.end(top)
    return _judge(account, stalled, top, tick_ms / 1000, (before, peak, after))


def _judge(
    account: Account,
    stalled: list[MuteSocket],
    top: int,
    heartbeat_s: float,
    memory: tuple[int, int, int],
) -> Verdict:
    seen, losses = account.seen, account.losses
    before, peak, after = memory
    times_s = [mute.evicted_at_s - mute.stalled_at_s for mute in stalled if mute.evicted_at_s is not None]
    problems = [problem for one in seen for problem in one.problems(top)]
    problems += [f"{viewer} lost its connection" for viewer, lost in losses.items() if lost]
    if len(times_s) < len(stalled):
        problems.append(f"{len(stalled) - len(times_s)} of {len(stalled)} stalled viewers were not evicted")
    if times_s and max(times_s) > 2 * heartbeat_s:
        problems.append(f"a stalled viewer was evicted after {max(times_s):.1f} s")
    if after > before + MEMORY_SLACK_BYTES:
        problems.append(f"the workers had {before} bytes and keep {after}")
    figures = {
        "viewers": len(seen) + len(stalled),
        "stalled": len(stalled),
        "evicted": len(times_s),
        "evicted_after_s_max": round(max(times_s, default=0.0), 2),
        "heartbeat_s": heartbeat_s,
        "events": top,
        "deliveries": sum(one.events for one in seen),
        "gaps": sum(one.gaps for one in seen),
        "duplicates": sum(one.duplicates for one in seen),
        "lost_connections": sum(bool(lost) for lost in losses.values()),
        "memory_before_mib": round(before / 2**20, 1),
        "memory_peak_mib": round(peak / 2**20, 1),
        "memory_after_mib": round(after / 2**20, 1),
    }
    return Verdict(figures=figures, problems=problems)


async def _watch(stalled: list[MuteSocket], patience_s: float, memory: Callable[[], int]) -> int:
    """Wait until all are evicted; return the most memory that was seen."""
    deadline_s = time.monotonic() + patience_s
    peak = 0
    while time.monotonic() < deadline_s and sum(mute.look() for mute in stalled) < len(stalled):
        peak = max(peak, memory())
        await asyncio.sleep(0.05)
    return peak


async def _talk(cleo: Client, show: str) -> None:
    """Say something 20 times a second, as long as to make a frame of 200 bytes."""
    words = "x" * (
        EVENT_BYTES - len('{"type":"announcement","show":"","seq":10000,"at_ms":,"offset":1,"text":""}') - 40
    )
    loop = asyncio.get_running_loop()
    next_s = loop.time()
    while True:
        await cleo.announce(show=show, text=words)
        next_s += 1 / EVENTS_PER_S
        await asyncio.sleep(max(0.0, next_s - loop.time()))


def _memory_bytes(stage: Stage) -> int:
    """Return the resident memory of all workers."""
    return sum(memory_bytes(pid) for name, pid in stage.running.pids.items() if name != "engine")


def _shares(stage: Stage, show: str, viewers: int, seed: int) -> list[Share]:
    names = [f"viewer-{number}" for number in range(viewers)]
    tickets = [Ticket(name, stage.house.token(name)) for name in names]
    return [
        Share(urls=(stage.house.url,), show=show, tickets=tuple(tickets[part::PROCESSES]), seed=seed)
        for part in range(PROCESSES)
    ]
