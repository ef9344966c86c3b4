"""What the terminal shows: one scene a moment, made of the engine's units and the crowd's tally. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from dropcast.demo.tally import Tally
from dropcast.domain.catalogue import money
from dropcast.domain.drop import Drop, DropStatus, Units
from dropcast.domain.events import Snapshot
from dropcast.domain.show import ShowStatus


class DropCard(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    price: str
    free: int
    held: int
    sold: int
    open: bool

    @property
    def sold_out(self) -> bool:
        return self.free == 0


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    status: ShowStatus
    elapsed_s: float
    seconds: float
    viewers: int
    cards: tuple[DropCard, ...]
    """The newest first."""
    holds: int
    """Open holds."""
    orders: int
    revenue: str
    refused: int
    delivered_by_second: tuple[int, ...]
    fanout_p50_ms: float
    fanout_p99_ms: float
    caption: str
    """What the creator did last."""


def make_scene(
    snapshot: Snapshot, tally: Tally, *, viewers: int, elapsed_s: float, seconds: float, caption: str
) -> Scene:
    show = snapshot.show
    by_drop: dict[str, list[Units]] = {}
    for units in snapshot.units:
        by_drop.setdefault(units.drop, []).append(units)
    newest_first = sorted(snapshot.drops, key=lambda drop: drop.terms.opened_at_ms, reverse=True)
    return Scene(
        title=show.title,
        status=show.status,
        elapsed_s=elapsed_s,
        seconds=seconds,
        viewers=viewers,
        cards=tuple(_card(drop, by_drop[drop.id], show.currency) for drop in newest_first),
        holds=len(snapshot.holds),
        orders=tally.counts["sold"],
        revenue=money(sum(receipt.amount_minor for receipt in tally.receipts), show.currency),
        refused=sum(tally.by_reason("refused").values()),
        delivered_by_second=tuple(tally.delivered_by_second),
        fanout_p50_ms=tally.fanout_ms(0.5),
        fanout_p99_ms=tally.fanout_ms(0.99),
        caption=caption,
    )


def _card(drop: Drop, units: Sequence[Units], currency: str) -> DropCard:
    return DropCard(
        title=drop.card.title,
        price=_price(drop.terms.prices, currency),
        free=sum(line.free for line in units),
        held=sum(line.held for line in units),
        sold=sum(line.sold for line in units),
        open=drop.terms.status is DropStatus.OPEN,
    )


def _price(prices: Mapping[str, int], currency: str) -> str:
    lowest = money(min(prices.values()), currency)
    return lowest if len(set(prices.values())) == 1 else f"from {lowest}"
