"""Guests without limit: one address makes a thousand of them, and each wants what the limit of the drop allows."""

import asyncio
import json

from dropcast.settings import Settings
from tests.proofs.attacks.attack import PING, WORKERS, Attack, Slice, Tally, unless_refused
from tests.proofs.attacks.peer import Peer, open_live
from tests.support.raw import say

_GUESTS = 1_000
_AT_ONCE = 50


async def _come_as_guests(part: Slice) -> None:
    """All from one address. What they held is left to run out: they are gone, and their holds are the show's."""
    gate = asyncio.Semaphore(_AT_ONCE)
    wanted = {"show": part.target.followed, "drop": part.target.drop, "sku": "RED", "qty": 2}
    part.begin()

    async def come(number: int) -> None:
        heard = asyncio.Event()

        def hear(payload: bytes) -> None:
            part.hear(payload)
            if b'"re":1' in payload[:40]:
                heard.set()

        async with gate:
            with unless_refused():
                peer: Peer = await open_live(part.target.port, hear)
                part.opened(peer)
                part.tally.asked += 1
                reserve = say({"type": "reserve", "id": 1, "key": json.dumps(number), **wanted})
                peer.write(PING if part.is_harmless else reserve)
                async with asyncio.timeout(5):
                    await heard.wait()

    await asyncio.gather(*(come(number) for number in range(_GUESTS)))


def _check(tally: Tally, settings: Settings) -> list[str]:
    held = tally.heard.get("held", 0)
    most = WORKERS * settings.guest_buyers_per_address_max
    return [f"{held} guests of one address hold something, not {most} at most"] if held > most else []


ATTACKS = (
    Attack(
        name="guests",
        about="1,000 guests of one address reserve two units each",
        run=_come_as_guests,
        asked_min=100,
        check=_check,
        guests=True,
        worker_bytes=lambda settings: _GUESTS * 32 * 1024,
    ),
)
