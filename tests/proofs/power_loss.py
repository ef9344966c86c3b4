"""What a power loss may leave is enough: every reply that was received is true of the file as it was by then.

The append-only file's length is sampled under load. Later a copy of the data directory is cut to each of these
lengths, as if the power had failed at that moment, and a new engine is held against the replies received before.
The last one is served again: viewers who saw more than it has begin anew by a whole state, and the books are right.
"""

import asyncio
import json
import random
import shutil
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from websockets.asyncio.client import connect

from dropcast.domain.books import audit
from dropcast.store.embedded import EmbeddedEngine
from dropcast_client import Client
from tests.history.checker import Truth, check
from tests.history.history import Holding, Op, Unknown, as_known_at
from tests.history.recording import Recorder
from tests.proofs.proof import Verdict
from tests.proofs.stage import a_server, folder, read_truth

UNITS = {"SCARF-RED": 400, "SCARF-BLUE": 200}
LIMIT = 5
VIEWERS = 100


class Sample(NamedTuple):
    """`at_s`: taken before the length was, so that whatever was answered by then is below the length."""

    at_s: float
    file: Path
    length_bytes: int
    epoch: str
    seq: int
    """The top of the events that a viewer had seen."""


async def prove(seed: int, *, full: bool) -> Verdict:
    samples_wanted, requests = (20, 60) if full else (8, 25)
    async with folder() as home:
        data_dir = home / "data"
        recorder, samples, show = await _trade_and_sample(data_dir, seed, samples_wanted, requests)
        problems: list[str] = []
        known = 0
        for number, sample in enumerate(samples):
            cut = _cut_copy(data_dir, home / f"cut-{number}", sample)
            problems += await _check_cut(cut, show, recorder.ops, sample)
            known += sum(op.ended_s < sample.at_s for op in recorder.ops)
        problems += await _serve_again(home / f"cut-{len(samples) // 2}", show, samples)
    if len(samples) < samples_wanted:
        problems.append(f"only {len(samples)} samples were taken")
    figures = {
        "samples": len(samples),
        "requests": len(recorder.ops),
        "replies_checked": known,
        "unknown": sum(isinstance(op.answer, Unknown) for op in recorder.ops),
        "granted": sum(isinstance(op.answer, Holding) for op in recorder.ops),
        "file_bytes": samples[-1].length_bytes if samples else 0,
    }
    return Verdict(figures=figures, problems=problems)


async def _trade_and_sample(
    data_dir: Path, seed: int, samples_wanted: int, requests: int
) -> tuple[Recorder, list[Sample], str]:
    async with a_server(data_dir, workers=2, hold_ms=3_600_000) as stage, AsyncExitStack() as stack:
        show = await stage.house.live_show()
        drop = await stage.house.drop(show, UNITS, limit=LIMIT)
        recorder = Recorder(show)
        watcher = await stack.enter_async_context(stage.house.client())
        state = await watcher.subscribe(show).ready()
        cleo = await stack.enter_async_context(stage.house.client("cleo", "creator"))
        trading = []
        for number in range(VIEWERS):
            client = await stack.enter_async_context(stage.house.client(f"viewer-{number}"))
            chance = random.Random(f"{seed}/{number}")
            trading.append(_trade(recorder, client, f"viewer-{number}", drop, requests, chance))
        load = asyncio.gather(*trading)
        samples: list[Sample] = []
        file = _log_file(data_dir)
        for number in range(samples_wanted):
            due = VIEWERS * requests * (number + 1) // (samples_wanted + 1)
            await recorder.reach(due, load)
            await cleo.announce(show=show, text=f"word {number}")
            seq, at_s = state.seq, time.monotonic()
            samples.append(Sample(at_s, file, file.stat().st_size, state.epoch, seq))
        await load
        # The engine may have begun another file meanwhile: then these lengths say nothing.
        assert _log_file(data_dir) == file, "the append-only file was rewritten under way"
        return recorder, samples, show


async def _trade(
    recorder: Recorder, client: Client, viewer: str, drop: str, requests: int, chance: random.Random
) -> None:
    for number in range(requests):
        await asyncio.sleep(chance.random() * 0.05)
        held = await recorder.reserve(
            client,
            viewer,
            key=f"key-{number}",
            drop=drop,
            sku=chance.choice(sorted(UNITS)),
            qty=chance.randint(1, 2),
        )
        if isinstance(held, Holding) and held.state == "held":
            roll = chance.random()
            if roll < 0.5:
                await recorder.release(client, viewer, held.hold)
            elif roll < 0.6:
                await recorder.checkout(client, viewer, held.hold)


def _log_file(data_dir: Path) -> Path:
    """Return the file that the engine appends to."""
    (found,) = data_dir.glob("appendonlydir/*.incr.aof")
    return found


def _cut_copy(data_dir: Path, target: Path, sample: Sample) -> Path:
    ignored = shutil.ignore_patterns("*.sock", "engine.lock")
    shutil.copytree(data_dir, target, ignore=ignored)
    with (target / sample.file.relative_to(data_dir)).open("rb+") as file:
        file.truncate(sample.length_bytes)
    return target


async def _check_cut(data_dir: Path, show: str, history: list[Op], sample: Sample) -> list[str]:
    with EmbeddedEngine(data_dir) as engine:
        truth = await read_truth(engine.url, show)
    where = f"cut to {sample.length_bytes} bytes"
    problems = [f"{where}: {problem}" for problem in check(as_known_at(history, sample.at_s), truth)]
    if truth.snapshot.seq < sample.seq:
        problems.append(f"{where}: event {sample.seq} had been seen, the log ends at {truth.snapshot.seq}")
    return problems


async def _serve_again(data_dir: Path, show: str, samples: list[Sample]) -> list[str]:
    """Serve what was left, and write other events under the numbers that were lost.

    Whoever comes back from the future that was lost must be told to begin anew.
    """
    lost = samples[-1]
    async with a_server(data_dir, workers=1) as stage, AsyncExitStack() as stack:
        cleo = await stack.enter_async_context(stage.house.client("cleo", "creator"))
        seq = 0
        while seq <= lost.seq:
            seq = (await cleo.announce(show=show, text="we are back")).seq
        socket = await stack.enter_async_context(connect(f"{stage.house.url}/v1/live", proxy=None))
        watch = {"type": "watch", "id": 2, "show": show, "since": {"epoch": lost.epoch, "seq": lost.seq}}
        for command in ({"type": "hello", "id": 1}, watch):
            await socket.send(json.dumps(command))
            answer = json.loads(await socket.recv())
        after = await stage.truth(show)
    problems = [f"served again: {problem}" for problem in _books(after)]
    if answer["recovered"] or "state" not in answer or answer["epoch"] != after.snapshot.epoch:
        problems.append(f"a viewer from a lost future was answered {str(answer)[:200]}")
    return problems


def _books(truth: Truth) -> list[str]:
    return audit(truth.snapshot, truth.journal, truth.orders, truth.events)
