"""What the demo's tests need of a show: products, an engine's answers, receipts."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from dropcast.demo.lines import Progress, Receipt
from dropcast.demo.tally import Tally
from dropcast.demo.verdict import Evidence
from dropcast.domain.catalogue import Product, Variant
from dropcast.domain.drop import Card, CardVariant, Drop, DropStatus, Terms, Units
from dropcast.domain.events import JournalEntry, Movement, MovementKind, Snapshot
from dropcast.domain.hold import Order
from dropcast.domain.show import Show, ShowStatus


def product(handle: str, stock: Mapping[str, int], price_minor: int = 1_000) -> Product:
    return Product(
        handle=handle,
        title=handle.title(),
        currency="EUR",
        variants=tuple(
            Variant(sku=sku, title=sku, options={}, price_minor=price_minor, stock=units)
            for sku, units in stock.items()
        ),
    )


def drop(name: str, prices: Mapping[str, int], *, status: DropStatus = DropStatus.OPEN) -> Drop:
    card = Card(
        product=name,
        title=name.title(),
        currency="EUR",
        variants=tuple(CardVariant(sku=sku, title=sku) for sku in prices),
    )
    return Drop(name, Terms(status, 1, 2_000, 1_000, dict(prices)), card)


def snapshot(drops: Sequence[Drop], units: Sequence[Units]) -> Snapshot:
    show = Show(
        id="friday", title="Friday", creator="cleo", currency="EUR", status=ShowStatus.ENDED, started_at_ms=1
    )
    return Snapshot(show, "e1", 9, 1, 99, tuple(drops), tuple(units), ())


def movement(kind: MovementKind, sku: str, qty: int, hold: str = "") -> Movement:
    return Movement(kind, "mug", sku, qty, hold, "vera" if hold else "", 0, 1_000 if hold else 0)


ORDER = Order("oh1", "h1", "vera", "mug", "MUG", 1, 1_000, "sandbox_1", 50)
RECEIPT = Receipt(order="oh1", viewer="vera", drop="mug", sku="MUG", qty=1, amount_minor=1_000)
JOURNAL = JournalEntry(
    1,
    50,
    (
        movement(MovementKind.ALLOCATED, "MUG", 3),
        movement(MovementKind.HELD, "MUG", 1, "h1"),
        movement(MovementKind.SOLD, "MUG", 1, "h1"),
        movement(MovementKind.WITHDRAWN, "MUG", 2),
    ),
)


def a_tally(
    *receipts: Receipt, unknown_holds: Sequence[str] = (), counts: Mapping[str, int] | None = None
) -> Tally:
    tally = Tally()
    tally.take(
        Progress(
            counts={"ended": 2, "delivered": 40, **(counts or {})},
            fanout_us={2_000: 90, 8_000: 10},
            receipts=list(receipts),
            unknown_holds=list(unknown_holds),
        ),
        0.0,
    )
    return tally


def evidence(**changes: Any) -> Evidence:
    """A show of two viewers in which everything is as it should be: three mugs, one sold, two taken back."""
    right = Evidence(
        viewers=2,
        arrived=2,
        seconds=5.0,
        snapshot=snapshot([drop("mug", {"MUG": 1_000})], [Units("mug", "MUG", 0, 0, 1, 1)]),
        journal=[JOURNAL],
        orders=[ORDER],
        books=[],
        given={("mug", "MUG"): 3},
        tally=a_tally(RECEIPT, counts={"refused.sold_out": 4, "refused.limit": 1}),
        faults=[],
    )
    return replace(right, **changes)
