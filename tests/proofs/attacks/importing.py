"""A catalogue as large as a body may be, imported while viewers of the same workers expect their pongs."""

import asyncio
import time

from dropcast.settings import Settings
from tests.proofs.attacks.attack import HEALTH, Attack, Slice, Tally
from tests.proofs.attacks.kinds import open_requesters, open_sockets
from tests.support.raw import say

_PRODUCTS = 380_000
_PRODUCTS_SMALL = 60_000
"""For a quick run: some seconds of reading and writing instead of half a minute."""
_PONG_SOCKETS = 8
_PING_S = 0.2
_PRODUCT_BYTES = 512
_IMPORT_S = 240.0
_GAP_S_MAX = 0.5
_HEAD = "Handle,Title,Variant SKU,Variant Price\n"


def export(products: int) -> bytes:
    """Return an export of so many products, 22 bytes each."""
    return (_HEAD + "".join(f"p{n:06d},Hat,S{n:06d},1\n" for n in range(products))).encode()


async def _import(part: Slice) -> None:
    """Import, and ping on sockets of both workers meanwhile: `gap_s` is how long a pong took at most."""
    waiting: dict[int, float] = {}
    gap_s = 0.0

    def hear(payload: bytes) -> None:
        nonlocal gap_s
        if payload.startswith(b'{"type":"pong"'):
            began_s = waiting.pop(int(payload[20 : payload.index(b",", 20)]), None)
            if began_s is not None:
                gap_s = max(gap_s, time.monotonic() - began_s)

    peers = await open_sockets(part, _PONG_SOCKETS, on_message=hear)
    (requester,) = await open_requesters(part, 1)
    body = export(_PRODUCTS if part.is_full else _PRODUCTS_SMALL)
    head = (
        f"POST /v1/products?currency=EUR HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
        f"authorization: Bearer {part.target.operator_token}\r\n\r\n"
    )
    part.begin()
    began_s = time.monotonic()
    answered = part.answers()
    requester.write(HEALTH if part.is_harmless else head.encode() + body)
    part.tally.asked += 1
    number = 0
    while (elapsed_s := time.monotonic() - began_s) < _IMPORT_S:
        if elapsed_s >= part.seconds and (part.answers() > answered or requester.is_lost):
            break
        for peer in peers:
            number += 1
            waiting[number] = time.monotonic()
            peer.write(say({"type": "ping", "id": number}))
        await asyncio.sleep(_PING_S)
    # A pong that never came counts as well.
    part.tally.notes["gap_s"] = max(
        [gap_s, *(time.monotonic() - since_s - _PING_S for since_s in waiting.values())]
    )
    part.tally.notes["import_s"] = time.monotonic() - began_s


def _check(tally: Tally, settings: Settings) -> list[str]:
    gap_s = tally.notes["gap_s"]
    problems = [f"a pong took {gap_s:.2f} s"] if gap_s > _GAP_S_MAX else []
    if not tally.heard:
        problems.append("the import was not answered")
    return problems


ATTACKS = (
    Attack(
        name="import",
        about="an operator imports 380,000 products in 8.4 MB, in a quick run 60,000",
        run=_import,
        asked_min=1,
        worker_bytes=lambda settings: 4 * settings.body_bytes_max,
        engine_bytes=lambda settings: 2 * _PRODUCTS * _PRODUCT_BYTES,
    ),
)
