"""Connections to the metrics port that say nothing, while Prometheus wants its page."""

import asyncio
import time

from dropcast.settings import Settings
from tests.proofs.attacks.attack import Attack, Slice, Tally, unless_refused
from tests.proofs.attacks.kinds import get, open_sockets, speak
from tests.proofs.attacks.peer import Requester, connect

_SILENT = 20
_SCRAPE_S = 0.25
_SCRAPE_S_MAX = 1.0


async def _stay_silent(part: Slice) -> None:
    if part.is_harmless:
        peers = await open_sockets(part, _SILENT)
        part.begin()
        await speak(part, peers, 1, lambda number: b"")
        return
    part.begin()
    ends_s = time.monotonic() + part.seconds
    slowest_s = 0.0
    while time.monotonic() < ends_s:
        # Whoever is sent away comes back.
        while sum(not connection.is_lost for connection in part.open) < _SILENT:
            part.opened(await connect(lambda: Requester(lambda status: None), part.target.metrics_port))
            part.tally.asked += 1
        slowest_s = max(slowest_s, await _scrape(part))
        await asyncio.sleep(_SCRAPE_S)
    part.tally.notes["scrape_s"] = slowest_s


async def _scrape(part: Slice) -> float:
    """Return how long the page took, in seconds; the slice's length when it did not come."""
    came = asyncio.Event()

    def hear(status: int) -> None:
        part.hear_status(status)
        came.set()

    began_s = time.monotonic()
    with unless_refused():
        scraper = await connect(lambda: Requester(hear), part.target.metrics_port)
        try:
            scraper.write(get("/metrics"))
            async with asyncio.timeout(part.seconds):
                await came.wait()
        finally:
            scraper.transport.abort()
    return time.monotonic() - began_s if came.is_set() else part.seconds


def _check(tally: Tally, settings: Settings) -> list[str]:
    slowest_s = tally.notes["scrape_s"]
    return [f"a scrape took {slowest_s:.1f} s"] if slowest_s > _SCRAPE_S_MAX else []


ATTACKS = (
    Attack(
        name="silent_scrapers",
        about="20 connections to the metrics port say nothing",
        run=_stay_silent,
        asked_min=20,
        check=_check,
    ),
)
