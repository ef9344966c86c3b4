"""Viewers without a token whose `watch` asks for more than it should cost: ahead of the show, or far behind it."""

import json

from tests.proofs.attacks.attack import PING, Attack, Slice
from tests.proofs.attacks.kinds import open_sockets, open_watchers, speak
from tests.support.raw import say
from tests.support.wait import wait_until

_PER_S = 9
"""Just below what an anonymous socket may say."""


async def _where(part: Slice) -> tuple[str, int]:
    """Return the epoch and the number of the last event of the show, as a viewer is told."""
    told: list[bytes] = []

    def hear(payload: bytes) -> None:
        if payload.startswith(b'{"type":"watching"'):
            told.append(payload)

    (peer,) = await open_sockets(part, 1, on_message=hear)
    peer.write(say({"type": "watch", "id": 1, "show": part.target.followed}))
    await wait_until(lambda: told)
    answer = json.loads(told[0])
    return answer["epoch"], answer["seq"]


async def _watch_ahead(part: Slice) -> None:
    await open_watchers(part, part.target.followed)
    epoch, seq = await _where(part)
    peers = await open_sockets(part, 5)
    since = {"epoch": epoch, "seq": seq + 1}
    part.begin()
    await speak(part, peers, _PER_S, lambda number: _watch(part, number, since))


async def _catch_up(part: Slice) -> None:
    await open_watchers(part, part.target.followed)
    epoch, seq = await _where(part)
    peers = await open_sockets(part, 20)
    since = {"epoch": epoch, "seq": max(1, seq - 9_000)}
    part.begin()
    for peer in peers:
        for number in range(35):
            peer.write(PING if part.is_harmless else _watch(part, number, since))
    part.tally.asked += 35 * len(peers)
    await speak(part, peers, _PER_S, lambda number: _watch(part, number, since))


def _watch(part: Slice, number: int, since: dict[str, object]) -> bytes:
    return say({"type": "watch", "id": number, "show": part.target.followed, "since": since})


ATTACKS = (
    Attack(
        name="watch_ahead",
        about="five sockets watch with a since ahead of the show, nine times a second each",
        run=_watch_ahead,
        asked_min=40,
    ),
    Attack(
        name="catch_up",
        about="20 sockets ask 35 times at once for 9,000 missed events, and nine times a second from then on",
        run=_catch_up,
        asked_min=200,
        worker_bytes=lambda settings: 20 * settings.outbox_bytes_max,
    ),
)
