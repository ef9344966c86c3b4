"""A reserve that is repeated on an open hold, each time on a socket that closes: the worker is to forget them."""

import asyncio

from tests.proofs.attacks.attack import PING, Attack, Slice, unless_refused
from tests.proofs.attacks.kinds import open_watchers
from tests.proofs.attacks.peer import open_live
from tests.support.raw import say

_AT_ONCE = 8
_VISITS = 800
_BEGUN = bytes((0x81, 0xFF)) + (65_000).to_bytes(8) + bytes(4) + b"x" * 60_000
"""A message that does not end: whoever keeps the socket keeps this as well."""


async def _repeat(part: Slice) -> None:
    """One buyer after another: say hello, reserve twice what is held already, leave. Both workers follow the show."""
    await open_watchers(part, part.target.followed)
    part.begin()
    visits = iter(part.target.buyers[:_VISITS])

    async def come_and_go() -> None:
        for token, key in visits:
            part.tally.asked += 1
            with unless_refused():
                await _visit(part, token, key)

    await asyncio.gather(*(come_and_go() for _ in range(_AT_ONCE)))


async def _visit(part: Slice, token: str, key: str) -> None:
    is_answered = asyncio.Event()
    replies = 0

    def hear(payload: bytes) -> None:
        nonlocal replies
        part.hear(payload)
        replies += b'"re":' in payload[:40]
        if replies == 3:
            is_answered.set()

    peer = await open_live(part.target.port, hear, address=part.address(), token=token)
    part.tally.connections += 1
    wanted = {"show": part.target.followed, "drop": part.target.drop, "sku": "RED", "qty": 1, "key": key}
    reserve = say({"type": "reserve", "id": 1, **wanted})
    peer.write((PING * 2 if part.is_harmless else reserve * 2) + _BEGUN)
    try:
        async with asyncio.timeout(5):
            await is_answered.wait()
    finally:
        peer.transport.abort()


ATTACKS = (
    Attack(
        name="repeat",
        about="800 buyers come, reserve again what they hold already, and leave",
        run=_repeat,
        asked_min=800,
    ),
)
