"""The two common kinds of attack: a number of live sockets that say something, or of connections that ask over HTTP."""

import asyncio
from collections.abc import Callable

from tests.proofs.attacks.attack import HEALTH, PING, Slice, unless_refused
from tests.proofs.attacks.peer import OnMessage, Peer, Requester, connect, open_live
from tests.support.raw import say
from tests.support.wait import wait_until

_OPENING_AT_ONCE = 50
WATCHERS = 10
_FOLLOWING_S = 30.0


async def open_sockets(
    part: Slice, count: int, *, token: str | None = None, on_message: OnMessage | None = None
) -> list[Peer]:
    """Open live sockets, each from an address of its own."""
    gate = asyncio.Semaphore(_OPENING_AT_ONCE)
    peers: list[Peer] = []

    async def open_one() -> None:
        async with gate:
            with unless_refused():
                peer = await open_live(
                    part.target.port, on_message or part.hear, address=part.address(), token=token
                )
                part.opened(peer)
                peers.append(peer)

    await asyncio.gather(*(open_one() for _ in range(count)))
    return peers


async def open_watchers(part: Slice, show: str) -> None:
    """Have so many sockets watch a show that each worker follows it, as good as surely; wait until it does."""
    watching = 0

    def hear(payload: bytes) -> None:
        nonlocal watching
        watching += payload.startswith(b'{"type":"watching"')

    peers = await open_sockets(part, WATCHERS, on_message=hear)
    for peer in peers:
        peer.write(say({"type": "watch", "id": 1, "show": show}))
    await wait_until(lambda: watching >= len(peers), timeout_s=_FOLLOWING_S)


async def open_requesters(part: Slice, count: int) -> list[Requester]:
    """Open connections for HTTP, each from an address of its own."""
    gate = asyncio.Semaphore(_OPENING_AT_ONCE)
    requesters: list[Requester] = []

    async def open_one() -> None:
        async with gate:
            with unless_refused():
                requester = await connect(
                    lambda: Requester(part.hear_status), part.target.port, part.address()
                )
                part.opened(requester)
                requesters.append(requester)

    await asyncio.gather(*(open_one() for _ in range(count)))
    return requesters


async def speak(part: Slice, peers: list[Peer], per_s: float, saying: Callable[[int], bytes]) -> None:
    """Have each socket say something `per_s` times a second: a ping when that is all it is to be."""
    if not peers:
        return

    def act(number: int) -> None:
        data = PING if part.is_harmless else saying(number)
        part.tally.bytes_sent += len(data)
        peers[number % len(peers)].write(data)

    await part.pace(per_s * len(peers), act)


async def ask(part: Slice, count: int, per_s: float, asking: Callable[[int], bytes]) -> None:
    """Have `count` connections ask so many times a second in all. One that the server ends is opened again."""
    requesters = await open_requesters(part, count)
    part.begin()

    def act(number: int) -> None:
        requester = requesters[number % len(requesters)]
        if requester.is_lost:
            return
        data = HEALTH if part.is_harmless else asking(number)
        part.tally.bytes_sent += len(data)
        requester.write(data)

    if requesters:
        await part.pace(per_s, act)


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()
