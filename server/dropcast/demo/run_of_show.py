"""The run of show: what the creator does, and when. Pure: products, viewers and seconds in, a plan out.

Whatever the catalogue has in stock, demand shall exceed supply: a drop gets its product's stock, but never more
than a quarter as many units as there are viewers, so that it sells out and somebody is too late.
"""

import random
from collections.abc import Sequence

import msgspec

from dropcast.demo.lines import Step
from dropcast.domain.catalogue import Product, money

_PINS_FROM = 0.04
_PINS_UNTIL = 0.72
_TOP_UP_AT = 0.5
_REPRICE_AT = 0.62
_LAST_CALL_AT = 0.8
_UNPINS_FROM = 0.9
_UNPINS_UNTIL = 0.97
"""Shares of the show."""
_SKUS_MAX = 12
_UNITS_PER_VIEWER = 0.25
_REACTION_S_MAX = 1.2


class NothingToSell(Exception):
    """The catalogue has not one unit in stock."""


class RunOfShow(msgspec.Struct, frozen=True, kw_only=True):
    steps: tuple[Step, ...]
    """In the order of their times."""
    drops: int
    reaction_s: float
    """How fast people must be for the drops to follow each other at this pace."""
    hold_ms: int


def plan(products: Sequence[Product], *, viewers: int, seconds: float, seed: int) -> RunOfShow:
    """Plan a show of `seconds`. Raises NothingToSell."""
    chosen = _choose(products, _drops_in(seconds), random.Random(seed))
    if not chosen:
        raise NothingToSell("no product of the catalogue has a unit in stock")
    gap_s = (_PINS_UNTIL - _PINS_FROM) * seconds / len(chosen)
    hold_ms = round(min(4.0, max(1.0, 0.15 * seconds)) * 1000)
    units_max = max(1, round(viewers * _UNITS_PER_VIEWER))
    steps = [Step(at_s=0.01 * seconds, act="announce", text="Welcome! First come, first served.")]
    for number, product in enumerate(chosen):
        steps.append(
            Step(
                at_s=_PINS_FROM * seconds + number * gap_s,
                act="pin",
                drop=_name(number),
                product=product.handle,
                units=_allocate(product, units_max),
                limit=1 + number % 2,
                hold_ms=hold_ms,
                text=product.title,
            )
        )
    steps += _changes(chosen, steps[1:], seconds)
    unpin_gap_s = (_UNPINS_UNTIL - _UNPINS_FROM) * seconds / len(chosen)
    for number, product in enumerate(chosen):
        at_s = _UNPINS_FROM * seconds + number * unpin_gap_s
        steps.append(Step(at_s=at_s, act="unpin", drop=_name(number), text=product.title))
    steps.sort(key=lambda step: step.at_s)
    reaction_s = min(_REACTION_S_MAX, 0.35 * gap_s)
    return RunOfShow(steps=tuple(steps), drops=len(chosen), reaction_s=reaction_s, hold_ms=hold_ms)


def _changes(chosen: Sequence[Product], pins: Sequence[Step], seconds: float) -> list[Step]:
    """What happens to drops that are open: more units of one, a better price for another, a last call."""
    steps = [Step(at_s=_LAST_CALL_AT * seconds, act="announce", text="Last call: unpaid holds come back.")]
    by_top_up = [number for number, pin in enumerate(pins) if pin.at_s < _TOP_UP_AT * seconds]
    topped = by_top_up[-1]
    sku = next(sku for sku, units in pins[topped].units.items() if units)
    more = max(1, pins[topped].units[sku] // 4)
    title = chosen[topped].title
    steps.append(
        Step(at_s=_TOP_UP_AT * seconds, act="top_up", drop=_name(topped), units={sku: more}, text=title)
    )
    repriced = by_top_up[len(by_top_up) // 2]
    product = chosen[repriced]
    prices = {variant.sku: variant.price_minor * 4 // 5 for variant in product.variants}
    prices = {sku: prices[sku] for sku in pins[repriced].units}
    steps.append(
        Step(
            at_s=_REPRICE_AT * seconds,
            act="reprice",
            drop=_name(repriced),
            prices=prices,
            text=_now_from(product, prices),
        )
    )
    return steps


def _now_from(product: Product, prices: dict[str, int]) -> str:
    return f"{product.title} from {money(min(prices.values()), product.currency)}"


def _choose(products: Sequence[Product], most: int, rng: random.Random) -> list[Product]:
    """Return the products of the show: some with a choice of several SKUs first, where there are any."""
    stocked = [product for product in products if any(variant.stock > 0 for variant in product.variants)]
    rng.shuffle(stocked)
    stocked.sort(
        key=lambda product: min(3, sum(variant.stock > 0 for variant in product.variants)), reverse=True
    )
    chosen = stocked[: (most + 1) // 2] + rng.sample(
        stocked[(most + 1) // 2 :], max(0, min(most, len(stocked)) - (most + 1) // 2)
    )
    rng.shuffle(chosen)
    return chosen


def _drops_in(seconds: float) -> int:
    return max(4, min(8, round(seconds / 3.5)), int(seconds // 15))


def _allocate(product: Product, units_max: int) -> dict[str, int]:
    """Share `units_max` over the product's SKUs by their stock. A SKU without any is shown as sold out."""
    variants = sorted(product.variants, key=lambda variant: variant.stock, reverse=True)[:_SKUS_MAX]
    stock = {variant.sku: max(0, variant.stock) for variant in variants}
    total = sum(stock.values())
    shares = {
        sku: units if total <= units_max else units * units_max // total for sku, units in stock.items()
    }
    # What rounding down has left over goes to those with the most, so that few units are shared at all.
    left = min(total, units_max) - sum(shares.values())
    for sku in shares:
        if left and shares[sku] < stock[sku]:
            shares[sku] += 1
            left -= 1
    return {variant.sku: shares[variant.sku] for variant in product.variants if variant.sku in shares}


def _name(number: int) -> str:
    return f"drop-{number}"
