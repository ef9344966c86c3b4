"""Connections for HTTP that ask more than they read: pipelined requests, answers that nobody reads, idle ones."""

import asyncio
import time

from tests.proofs.attacks.attack import HEALTH, MIB, Attack, Slice, unless_refused
from tests.proofs.attacks.kinds import get, open_requesters
from tests.proofs.attacks.peer import Requester, connect

_PIPELINED = 8_000
_PIPELINES = 4
_UNREAD = 100
_IDLE = 1_000


async def _pipeline(part: Slice) -> None:
    """Ask 8,000 times at once, and again when all is answered; harmless: once the answer before is there."""
    counts = dict.fromkeys(range(_PIPELINES), 0)
    at_once = 1 if part.is_harmless else _PIPELINED
    connections: list[Requester] = []

    def opened(number: int) -> Requester:
        def answered(status: int) -> None:
            part.hear_status(status)
            part.tally.asked += 1
            counts[number] += 1
            if counts[number] % at_once == 0:
                connections[number].write(HEALTH * at_once)

        return Requester(answered)

    for number in range(_PIPELINES):
        connection = await connect(lambda number=number: opened(number), part.target.port, part.address())  # type: ignore[misc]
        part.opened(connection)
        connections.append(connection)
    part.begin()
    for connection in connections:
        connection.write(HEALTH * at_once)
        part.tally.bytes_sent += len(HEALTH) * at_once
    await asyncio.sleep(part.seconds)


async def _leave_unread(part: Slice) -> None:
    """Ask for a large answer and read none of it."""
    part.begin()
    ends_s = time.monotonic() + part.seconds
    for _ in range(_UNREAD):
        with unless_refused():
            connection = await connect(
                lambda: Requester(part.hear_status), part.target.port, part.address(), reads_slowly=True
            )
            part.opened(connection)
            if not part.is_harmless:
                connection.transport.pause_reading()
            connection.write(HEALTH if part.is_harmless else get(f"/v1/shows/{part.target.wide}/snapshot"))
            part.tally.asked += 1
    await asyncio.sleep(max(0.0, ends_s - time.monotonic()))


async def _stay_idle(part: Slice) -> None:
    """Ask once, and stay."""
    part.begin()
    ends_s = time.monotonic() + part.seconds
    for connection in await open_requesters(part, _IDLE // 10 if part.is_harmless else _IDLE):
        connection.write(HEALTH)
        part.tally.asked += 1
    await asyncio.sleep(max(0.0, ends_s - time.monotonic()))


ATTACKS = (
    Attack(
        name="pipeline",
        about="four connections ask 8,000 times at once",
        run=_pipeline,
        asked_min=100,
    ),
    Attack(
        name="unread",
        about="100 connections ask for a large answer and read none of it",
        run=_leave_unread,
        asked_min=20,
        worker_bytes=lambda settings: _UNREAD * MIB // 4,
    ),
    Attack(
        name="idle",
        about="1,000 connections ask once and stay",
        run=_stay_idle,
        asked_min=100,
        worker_bytes=lambda settings: _IDLE * 32 * 1024,
    ),
)
