"""SIGTERM to a server full of viewers: it ends in time, answers what it accepted, and everybody is back elsewhere.

Two servers share one engine, and viewers know both addresses. All of them are on the first when it is told to stop,
some in the middle of a purchase, while the creator goes on talking through the second.
"""

import asyncio
import itertools
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path

from dropcast.domain.events import MovementKind
from dropcast.domain.ids import hold_id
from dropcast.store.embedded import EmbeddedEngine
from dropcast_client import Client
from tests.history.checker import Truth, check
from tests.history.history import Unknown
from tests.proofs.crowd import Account, Share, Ticket, a_crowd
from tests.proofs.proof import Verdict
from tests.proofs.stage import DEADLINE_S, folder, read_truth
from tests.support.house import House
from tests.support.server import SECRET, Server
from tests.support.wait import wait_until

PROCESSES = 2
UNITS = {"SCARF-RED": 100_000}
EXIT_S = 10.0
TALK_S = 0.1


async def prove(seed: int, *, full: bool) -> Verdict:
    viewers = 2_000 if full else 600
    async with folder() as home, AsyncExitStack() as stack:
        engine = stack.enter_context(EmbeddedEngine(home / "engine"))
        first = _server(home / "first", engine.url, stack)
        second = _server(home / "second", engine.url, stack)
        house = House(second.settings, second.port, SECRET)
        await house.import_catalogue()
        show = await house.live_show()
        drop = await house.drop(show, UNITS, limit=1_000)
        shares = _shares(house, [first.port, second.port], viewers, show, drop, seed)
        crowd = await stack.enter_async_context(a_crowd(shares))
        cleo = await stack.enter_async_context(house.client("cleo", "creator"))
        talking = asyncio.create_task(_talk(cleo, show))
        await crowd.tell("trade")
        await wait_until(lambda: _journal_is_long(engine.url, show), timeout_s=DEADLINE_S)
        began_s = time.monotonic()
        first.process.send_signal(signal.SIGTERM)
        await wait_until(lambda: first.process.poll() is not None, timeout_s=DEADLINE_S)
        exit_s = time.monotonic() - began_s
        # What was asked of the second server in the meantime is answered as well.
        await asyncio.sleep(1)
        talking.cancel()
        await asyncio.wait([talking])
        await crowd.tell("rest")
        top = (await read_truth(engine.url, show)).snapshot.seq
        account = await crowd.end(top)
        truth = await read_truth(engine.url, show)
    return _judge(account, truth, first, exit_s, top, viewers)


def _judge(account: Account, truth: Truth, first: Server, exit_s: float, top: int, viewers: int) -> Verdict:
    problems = check(account.ops, truth)
    problems += [problem for seen in account.seen for problem in seen.problems(top)]
    unanswered = _accepted_but_unanswered(account, truth)
    problems += unanswered
    whole_states = sum(seen.whole_states for seen in account.seen)
    if exit_s > EXIT_S:
        problems.append(f"the server took {exit_s:.1f} s to end")
    if first.process.returncode != 0:
        problems.append(f"the server ended with status {first.process.returncode}: {''.join(first.lines)}")
    stayed = sum(not losses for losses in account.losses.values())
    if stayed or len(account.seen) != viewers:
        problems.append(f"{stayed} of {len(account.seen)} viewers were never on the server that ended")
    if whole_states:
        problems.append(f"{whole_states} viewers were given a whole state instead of what they missed")
    away_ms = [loss.back_ms - loss.lost_ms for losses in account.losses.values() for loss in losses]
    figures = {
        "viewers": len(account.seen),
        "exit_s": round(exit_s, 2),
        "requests": len(account.ops),
        "unknown": sum(isinstance(op.answer, Unknown) for op in account.ops),
        "accepted_unanswered": len(unanswered),
        "events": top,
        "gaps": sum(seen.gaps for seen in account.seen),
        "duplicates": sum(seen.duplicates for seen in account.seen),
        "recoveries": sum(seen.recoveries for seen in account.seen),
        "whole_states": whole_states,
        "away_ms_max": max(away_ms, default=0),
    }
    return Verdict(figures=figures, problems=problems)


def _accepted_but_unanswered(account: Account, truth: Truth) -> list[str]:
    """Name the reserves that took effect before their connection was lost and were answered after it.

    The engine's time and the crowd's are one machine's.
    """
    held_at = {
        movement.hold: entry.at_ms
        for entry in truth.journal
        for movement in entry.movements
        if movement.kind is MovementKind.HELD
    }
    found = []
    for op in account.ops:
        at_ms = held_at.get(hold_id(op.viewer, op.key)) if op.kind == "reserve" else None
        if at_ms is None:
            continue
        began_ms, ended_ms = ((second + account.offsets_s) * 1000 for second in (op.began_s, op.ended_s))
        for loss in account.losses[op.viewer]:
            if began_ms <= at_ms < loss.lost_ms < loss.back_ms <= ended_ms:
                early_ms = loss.lost_ms - at_ms
                found.append(f"{op.viewer} {op.key} was held {early_ms} ms before its connection ended")
    return found


def _server(data_dir: Path, engine_url: str, stack: AsyncExitStack) -> Server:
    server = Server(data_dir, workers=2, redis_url=engine_url, hold_ms=3_600_000)
    stack.callback(server.stop)
    return server


def _shares(house: House, ports: list[int], viewers: int, show: str, drop: str, seed: int) -> list[Share]:
    urls = tuple(f"ws://127.0.0.1:{port}" for port in ports)
    names = [f"viewer-{number}" for number in range(viewers)]
    tickets = [Ticket(name, house.token(name)) for name in names]
    return [
        Share(
            urls=urls,
            show=show,
            tickets=tuple(tickets[part::PROCESSES]),
            drop=drop,
            sku="SCARF-RED",
            traders=viewers // 10,
            pause_s=0.5,
            seed=seed,
        )
        for part in range(PROCESSES)
    ]


async def _talk(cleo: Client, show: str) -> None:
    for number in itertools.count():
        await cleo.announce(show=show, text=f"word {number}")
        await asyncio.sleep(TALK_S)


async def _journal_is_long(engine_url: str, show: str) -> bool:
    await asyncio.sleep(0.2)
    return (await read_truth(engine_url, show)).snapshot.offset > 200
