"""Viewers with a token and creators who do what they may, too often: reserves on many sockets, long announcements."""

import asyncio
import json
import secrets
import time

from dropcast.settings import Settings
from tests.proofs.attacks.attack import HEALTH, MIB, WORKERS, Attack, Slice, Tally
from tests.proofs.attacks.kinds import open_requesters, open_sockets, open_watchers, speak
from tests.support.raw import say

_DATA = "x" * 60_000
_SOCKETS = 5


async def _reserve(part: Slice) -> None:
    token = part.target.buyers[0][0]
    await open_watchers(part, part.target.followed)
    peers = await open_sockets(part, 200, token=token)
    target, nonce = part.target, secrets.token_hex(4)

    def reserve(number: int) -> bytes:
        wanted = {"show": target.followed, "drop": target.drop, "sku": "RED", "qty": 1}
        return say({"type": "reserve", "id": number, "key": f"{nonce}-{number}", **wanted})

    part.begin()
    await speak(part, peers, 42, reserve)


async def _announce(part: Slice) -> None:
    """On five sockets, just below their own limit, while they watch the show."""
    peers = await open_sockets(part, _SOCKETS, token=part.target.creator_token)
    for peer in peers:
        peer.write(say({"type": "watch", "id": 1, "show": part.target.creator_show}))
    nonce = secrets.token_hex(4)

    def announce(number: int) -> bytes:
        said = {"show": part.target.creator_show, "text": "hello", "data": _DATA}
        return say({"type": "announce", "id": number, "key": f"{nonce}-{number}", **said})

    part.begin()
    await speak(part, peers, 90, announce)


async def _announce_over_http(part: Slice) -> None:
    """One after another on each of five connections, as fast as they are answered, a hundred a second at most."""
    connections = await open_requesters(part, _SOCKETS)
    body = json.dumps({"text": "hello", "data": _DATA}).encode()
    head = (
        f"POST /v1/shows/{part.target.creator_show}/announcements HTTP/1.1\r\nhost: x\r\n"
        f"authorization: Bearer {part.target.creator_token}\r\ncontent-length: {len(body)}\r\n"
    )
    nonce = secrets.token_hex(4)
    part.begin()
    ends_s = time.monotonic() + part.seconds
    while time.monotonic() < ends_s:
        for connection in connections:
            number = part.tally.asked
            key = f"idempotency-key: {nonce}-{number}\r\n\r\n"
            connection.write(HEALTH if part.is_harmless else head.encode() + key.encode() + body)
            part.tally.asked += 1
        await asyncio.sleep(1 / 20)


def _check_reserves(tally: Tally, settings: Settings) -> list[str]:
    """What is not refused as too often, the engine was asked for."""
    seconds = tally.closed_s - tally.began_s + settings.command_burst_s
    most = WORKERS * settings.viewer_reserves_per_s * seconds
    asked = tally.heard.get("held", 0) + tally.heard.get("refused", 0)
    return (
        [f"the engine was asked {asked} times for one viewer, not {most:.0f} at most"] if asked > most else []
    )


ATTACKS = (
    Attack(
        name="reserve",
        about="one viewer reserves on 200 sockets, 8,400 times a second",
        run=_reserve,
        asked_min=2_000,
        check=_check_reserves,
        engine_bytes=lambda settings: 16 * MIB,
    ),
    Attack(
        name="announce",
        about="a creator announces 60 KB on five sockets, 450 times a second",
        run=_announce,
        asked_min=200,
        engine_bytes=lambda settings: 2 * settings.log_bytes_per_show_per_min,
    ),
    Attack(
        name="announce_http",
        about="a creator announces 60 KB over HTTP, a hundred times a second",
        run=_announce_over_http,
        asked_min=50,
        engine_bytes=lambda settings: 2 * settings.log_bytes_per_show_per_min,
    ),
)
