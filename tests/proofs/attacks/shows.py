"""The shows that are attacked, written to the engine directly: ten thousand open holds take a second that way."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis

from dropcast.domain.drop import Card, CardVariant
from dropcast.domain.ids import hold_id
from dropcast.domain.ports import NewDrop
from tests.proofs.attacks.attack import Target
from tests.support.engine import Stall, a_show, reserve
from tests.support.house import House

HOLDS = 10_000
EVENTS = 9_000
QUIET_SHOWS = 4
WIDE_DROPS = 1_000
BUYERS = 2_000
SKU = "RED"
_UNITS = {SKU: 1_000_000}
_KEY = "mine"
_BATCH = 500
_AT_ONCE = 100


async def make_target(client: Redis, house: House, metrics_port: int) -> Target:
    """Make all shows, each under a name that no run before had."""
    followed = await _a_show_with_holds(client)
    await _at_once(
        EVENTS,
        lambda number: followed.shows.announce(followed.show, f"event {number}" * 5, None, f"k{number}"),
    )
    quiet = [await _a_show_with_holds(client) for _ in range(QUIET_SHOWS)]
    wide = await open_show(client)
    await _at_once(WIDE_DROPS - 1, lambda number: wide.shows.pin(wide.show, _a_wide_drop(number)))
    hosted = await open_show(client)
    return Target(
        port=house.port,
        metrics_port=metrics_port,
        followed=followed.show,
        drop="d1",
        quiet=tuple(show.show for show in quiet),
        wide=wide.show,
        buyers=tuple((house.token(_viewer(number)), _KEY) for number in range(BUYERS)),
        creator_token=house.token(a_show().creator, "creator"),
        creator_show=hosted.show,
        operator_token=house.token("olga", "operator"),
    )


async def open_show(client: Redis) -> Stall:
    """A live show with an open drop that has units for everybody."""
    return await Stall(client, f"show-{secrets.token_hex(6)}").open(_UNITS, limit=10_000)


async def _a_show_with_holds(client: Redis) -> Stall:
    stall = await open_show(client)
    for first in range(0, HOLDS, _BATCH):
        viewers = map(_viewer, range(first, first + _BATCH))
        await stall.trade(*(reserve(hold_id(viewer, _KEY), viewer) for viewer in viewers))
    return stall


def _viewer(number: int) -> str:
    return f"buyer-{number}"


def _a_wide_drop(number: int) -> NewDrop:
    """A drop whose card has nearly two kilobytes."""
    skus = [f"SKU-{number}-{at}" for at in range(8)]
    variants = tuple(
        CardVariant(sku=sku, title=sku.title(), image=f"https://shop.example/{sku}.jpg") for sku in skus
    )
    return NewDrop(
        id=f"wide-{number}",
        card=Card(
            product="scarf", title="Scarf", currency="EUR", variants=variants, description="soft " * 120
        ),
        limit=2,
        hold_ms=60_000,
        prices=dict.fromkeys(skus, 2_900),
        units=dict.fromkeys(skus, 10),
        opens_at_ms=0,
        closes_at_ms=0,
        reveal_at_ms=0,
    )


async def _at_once(count: int, act: Callable[[int], Awaitable[object]]) -> None:
    for first in range(0, count, _AT_ONCE):
        await asyncio.gather(*(act(number) for number in range(first, min(first + _AT_ONCE, count))))
