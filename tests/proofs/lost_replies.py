"""Every reply of the engine is lost once after it acted, and each request still has one effect.

A proxy between workers and engine carries each call out and then cuts the connection, once for every request. Who
asked does what an app does: says the same again, with the same key, until there is an answer.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, TypeVar

from dropcast.domain.events import Announcement, DropOpened, DropUpdated
from dropcast.store.embedded import EmbeddedEngine
from dropcast_client import CallError, Client, Done, DropcastError
from tests.history.checker import Truth, check
from tests.history.history import Answer, Holding, Sold, Unknown
from tests.history.recording import Recorder
from tests.proofs.proof import Verdict
from tests.proofs.stage import a_server, folder, read_truth
from tests.support.engine_proxy import EngineProxy, OncePerRequest

T = TypeVar("T")

UNITS = {"SCARF-RED": 60, "SCARF-BLUE": 40}
ADDED = 3
LIMIT = 4
TRIES_MAX = 200


async def prove(seed: int, *, full: bool) -> Verdict:
    viewers, rounds = (60, 20) if full else (30, 8)
    async with folder() as data_dir, AsyncExitStack() as stack:
        engine = stack.enter_context(EmbeddedEngine(data_dir / "engine"))
        lose = OncePerRequest()
        proxy = EngineProxy(engine.socket_path, data_dir, lose=lambda _: False, delay_s=0.002, seed=seed)
        await stack.enter_async_context(proxy)
        server = a_server(data_dir / "server", workers=2, redis_url=proxy.url, hold_ms=3_600_000)
        stage = await stack.enter_async_context(server)
        show = await stage.house.live_show()
        proxy.lose = lose
        cleo = await stack.enter_async_context(stage.house.client("cleo", "creator"))
        pinned = await _until_answered(
            lambda: cleo.pin(show=show, product="scarf", units=UNITS, limit=LIMIT, key="pin")
        )
        recorder = Recorder(show)
        clients = [
            await stack.enter_async_context(stage.house.client(f"viewer-{number}"))
            for number in range(viewers)
        ]
        trading = [
            _trade(
                recorder, client, f"viewer-{number}", pinned.drop, rounds, random.Random(f"{seed}/{number}")
            )
            for number, client in enumerate(clients)
        ]
        await asyncio.gather(*trading, _host(cleo, show, pinned.drop, rounds))
        truth = await read_truth(engine.url, show)
    problems = check(recorder.ops, truth)
    problems += _wrong_commands(truth, rounds)
    problems += [f"{op} never got an answer" for op in _unanswered(recorder)]
    if not proxy.lost:
        problems.append("no reply was lost")
    orders = Counter(op.hold for op in recorder.ops if isinstance(op.answer, Sold))
    if len(orders) != len(truth.orders):
        problems.append(f"{len(orders)} holds were told sold, the engine has {len(truth.orders)} orders")
    figures = {
        "requests": lose.requests,
        "replies_lost": proxy.lost,
        "asked": len(recorder.ops),
        "unknown": sum(isinstance(op.answer, Unknown) for op in recorder.ops),
        "holds": len({op.answer.hold for op in recorder.ops if isinstance(op.answer, Holding)}),
        "orders": len(truth.orders),
        "events": truth.snapshot.seq,
    }
    return Verdict(figures=figures, problems=problems)


async def _trade(
    recorder: Recorder, client: Client, viewer: str, drop: str, rounds: int, chance: random.Random
) -> None:
    for number in range(rounds):
        goods: dict[str, Any] = {"sku": chance.choice(sorted(UNITS)), "qty": chance.randint(1, 2)}
        held = await _again(
            partial(recorder.reserve, client, viewer, key=f"key-{number}", drop=drop, **goods)
        )
        if not isinstance(held, Holding) or held.state != "held":
            continue
        if chance.random() < 0.3:
            await _again(partial(recorder.checkout, client, viewer, held.hold))
        else:
            await _again(partial(recorder.release, client, viewer, held.hold))


async def _host(cleo: Client, show: str, drop: str, rounds: int) -> None:
    """The creator tops up, says things, and pins a second drop, each under one key."""
    for number in range(rounds):
        word, more = f"word-{number}", f"more-{number}"
        await _until_answered(partial(cleo.announce, show=show, text=word, key=word))
        await _until_answered(
            partial(cleo.update, show=show, drop=drop, add_units={"SCARF-RED": ADDED}, key=more)
        )
    done = await _until_answered(lambda: cleo.pin(show=show, product="mug", units={"MUG": 1}, key="second"))
    await _until_answered(lambda: cleo.unpin(show=show, drop=done.drop, key="unpin"))


async def _again(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask until there is an answer."""
    for _ in range(TRIES_MAX):
        answer = await ask()
        if not isinstance(answer, Unknown):
            return answer
    raise AssertionError(f"no answer after {TRIES_MAX} tries: {answer}")


async def _until_answered(ask: Callable[[], Awaitable[Done]]) -> Done:
    """The same for a creator's command."""
    for _ in range(TRIES_MAX):
        try:
            return await ask()
        except DropcastError as error:
            if isinstance(error, CallError) and not error.outcome_unknown:
                raise
            last = error
    raise AssertionError(f"no answer after {TRIES_MAX} tries: {last}")


def _wrong_commands(truth: Truth, rounds: int) -> list[str]:
    """Every command of the creator took effect once."""
    said = Counter(event.text for event in truth.events if isinstance(event, Announcement))
    opened = sum(isinstance(event, DropOpened) for event in truth.events)
    updated = sum(isinstance(event, DropUpdated) for event in truth.events)
    units = {units.sku: units.allocated for units in truth.snapshot.units}
    problems = []
    if said != Counter(f"word-{number}" for number in range(rounds)):
        problems.append(f"announcements were made as {said}")
    if opened != 2:
        problems.append(f"two pins opened {opened} drops")
    if updated != rounds or units["SCARF-RED"] != UNITS["SCARF-RED"] + rounds * ADDED:
        problems.append(f"{rounds} top-ups made {updated} events and {units['SCARF-RED']} units")
    return problems


def _unanswered(recorder: Recorder) -> set[str]:
    """Return the requests that have only unknown answers."""
    names = {f"{op.viewer} {op.kind} {op.key or op.hold}": False for op in recorder.ops}
    for op in recorder.ops:
        if not isinstance(op.answer, Unknown):
            names[f"{op.viewer} {op.kind} {op.key or op.hold}"] = True
    return {name for name, answered in names.items() if not answered}
