"""A small true history to forge from: two viewers, three units, one of each thing that can be answered."""

from typing import Any

import msgspec

from dropcast.domain.drop import Card, CardVariant, Drop, DropStatus, Terms, Units
from dropcast.domain.events import JournalEntry, Movement, MovementKind, Snapshot
from dropcast.domain.hold import Hold, HoldState, Order
from dropcast.domain.ids import hold_id
from dropcast.domain.show import Show
from tests.history.checker import Truth
from tests.history.history import Answer, Holding, Op, Refused, Released, Sold

DROP, SKU = "d1", "RED"
ANA_1, ANA_2 = hold_id("ana", "k1"), hold_id("ana", "k2")
BEN_1 = hold_id("ben", "k1")


def op(kind: str, viewer: str, at_s: float, answer: Answer, **goods: Any) -> Op:
    """A request that took a tenth of a second."""
    if kind == "reserve":
        goods = {"drop": DROP, "sku": SKU, "qty": 1, **goods}
    return Op(kind=kind, viewer=viewer, began_s=at_s, ended_s=at_s + 0.1, answer=answer, **goods)


def holding(hold: str, offset: int, **changes: Any) -> Holding:
    return msgspec.structs.replace(
        Holding(hold=hold, state="held", drop=DROP, sku=SKU, qty=1, offset=offset), **changes
    )


def move(kind: MovementKind, viewer: str = "", hold: str = "", qty: int = 1) -> Movement:
    return Movement(
        kind=kind, drop=DROP, sku=SKU, qty=qty, hold=hold, viewer=viewer, expires_at_ms=0, price_minor=100
    )


def entry(offset: int, *movements: Movement) -> JournalEntry:
    return JournalEntry(offset=offset, at_ms=offset, movements=movements)


def history() -> list[Op]:
    """What ana and ben saw: ana holds two and pays for one, ben is refused, then has what ana let go."""
    return [
        op("reserve", "ana", 1, holding(ANA_1, 2), key="k1"),
        op("reserve", "ana", 2, holding(ANA_2, 3, qty=2), key="k2", qty=2),
        op("reserve", "ana", 3, Refused(reason="limit", offset=3), key="k3"),
        op("reserve", "ben", 4, Refused(reason="sold_out", offset=3), key="k1"),
        op("checkout", "ana", 5, Sold(hold=ANA_1, order="o" + ANA_1, amount_minor=100, offset=5), hold=ANA_1),
        op("release", "ana", 6, Released(hold=ANA_2, offset=6), hold=ANA_2),
        op("reserve", "ben", 7, holding(BEN_1, 7), key="k1"),
    ]


def journal() -> list[JournalEntry]:
    held, paying, sold = MovementKind.HELD, MovementKind.PAYING, MovementKind.SOLD
    return [
        entry(1, move(MovementKind.ALLOCATED, qty=3)),
        entry(2, move(held, "ana", ANA_1)),
        entry(3, move(held, "ana", ANA_2, 2)),
        entry(4, move(paying, "ana", ANA_1)),
        entry(5, move(sold, "ana", ANA_1)),
        entry(6, move(MovementKind.RELEASED, "ana", ANA_2, 2)),
        entry(7, move(held, "ben", BEN_1)),
    ]


def truth(**changes: Any) -> Truth:
    """What the engine has; `changes` are made to it: journal, orders, units, holds."""
    show = Show(id="friday", title="Friday", creator="cleo", currency="EUR")
    card = Card(product="scarf", title="Scarf", currency="EUR", variants=(CardVariant(sku=SKU, title="Red"),))
    terms = Terms(status=DropStatus.OPEN, limit=3, hold_ms=1000, opened_at_ms=1, prices={SKU: 100})
    entries = tuple(changes.get("journal", journal()))
    units = Units(drop=DROP, sku=SKU, free=1, held=1, sold=1, allocated=3)
    hold = Hold(BEN_1, "ben", DROP, SKU, 1, HoldState.HELD, 0, 100)
    order = Order("o" + ANA_1, ANA_1, "ana", DROP, SKU, 1, 100, "ref", 5)
    snapshot = Snapshot(
        show=show,
        epoch="e",
        seq=2,
        offset=entries[-1].offset,
        at_ms=9,
        drops=(Drop(id=DROP, terms=terms, card=card),),
        units=(changes.get("units", units),),
        holds=tuple(changes.get("holds", (hold,))),
    )
    return Truth(snapshot=snapshot, orders=tuple(changes.get("orders", (order,))), journal=entries, events=())
