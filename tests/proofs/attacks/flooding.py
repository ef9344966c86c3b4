"""Connections for HTTP that ask more than they read: pipelined requests, answers that nobody reads, idle ones."""

import asyncio
import time

from tests.proofs.attacks.attack import HEALTH, PING, WORKERS, Attack, Slice, unless_refused
from tests.proofs.attacks.kinds import WATCHERS, get, open_requesters, open_sockets, open_watchers
from tests.proofs.attacks.peer import Requester, connect

_PIPELINED = 8_000
_PIPELINES = 4
_PACKET = 160
_PACKET_S = 0.005
_UNREAD = 100
_IDLE = 1_000


async def _pipeline(part: Slice) -> None:
    """Ask 8,000 times without waiting, and again; harmless: one by one, as soon as it is answered."""
    connections = await asyncio.gather(*(_connect_pipeline(part) for _ in range(_PIPELINES)))
    part.begin()
    ends_s = time.monotonic() + part.seconds
    if part.is_harmless:
        for connection in connections:
            connection.write(HEALTH)
        await asyncio.sleep(part.seconds)
        return
    await asyncio.gather(*(_fill(part, connection, ends_s) for connection in connections))
    await asyncio.sleep(max(0.0, ends_s - time.monotonic()))


async def _connect_pipeline(part: Slice) -> Requester:
    def answered(status: int) -> None:
        part.hear_status(status)
        if part.is_harmless:
            part.tally.asked += 1
            requester.write(HEALTH)

    requester = await connect(lambda: Requester(answered), part.target.port, part.address())
    part.opened(requester)
    return requester


async def _fill(part: Slice, connection: Requester, ends_s: float) -> None:
    """Write whole requests, a packet at a time: more than a head may have is never without its end."""
    for _ in range(_PIPELINED // _PACKET):
        if connection.is_lost or time.monotonic() > ends_s:
            return
        connection.write(HEALTH * _PACKET)
        part.tally.asked += _PACKET
        await asyncio.sleep(_PACKET_S)


async def _leave_unread(part: Slice) -> None:
    """Ask for a large answer and read none of it. It comes from the worker's memory: both workers follow the show."""
    await open_watchers(part, part.target.wide)
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
    if part.is_harmless:
        for peer in await open_sockets(part, _IDLE):
            peer.write(PING)
    else:
        for connection in await open_requesters(part, _IDLE):
            connection.write(HEALTH)
    part.tally.asked += _IDLE
    await asyncio.sleep(max(0.0, ends_s - time.monotonic()))


ATTACKS = (
    Attack(
        name="pipeline",
        about="four connections ask 8,000 times without waiting for an answer",
        run=_pipeline,
        asked_min=100,
        worker_bytes=lambda settings: _PIPELINES * settings.pipelined_bytes_max,
    ),
    Attack(
        name="unread",
        about="100 connections ask for a large answer and read none of it",
        run=_leave_unread,
        asked_min=20,
        worker_bytes=lambda settings: (
            WORKERS * settings.unread_answer_bytes_max + WATCHERS * settings.outbox_bytes_max
        ),
    ),
    Attack(
        name="idle",
        about="1,000 connections ask once and stay",
        run=_stay_idle,
        asked_min=100,
        worker_bytes=lambda settings: _IDLE * 32 * 1024,
    ),
)
