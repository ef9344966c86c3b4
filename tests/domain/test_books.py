"""The audit finds every way in which units could be lost, made or sold twice, and says which."""

from collections.abc import Callable

import msgspec
import pytest

from dropcast.domain.books import Totals, audit, totals
from dropcast.domain.drop import Card, Drop, DropStatus, Terms, Units
from dropcast.domain.events import DropOpened, DropUpdated, JournalEntry, Movement, MovementKind, Snapshot
from dropcast.domain.hold import Hold, HoldState, Order
from dropcast.domain.show import Show, ShowStatus

CARD = Card(product="scarf", title="Scarf", currency="EUR", variants=())
SHOW = Show(id="friday", title="Friday", creator="cleo", currency="EUR", status=ShowStatus.LIVE)


def terms(limit: int = 2) -> Terms:
    return Terms(DropStatus.OPEN, limit, 60_000, 1, {"RED": 100})


class Books(msgspec.Struct):
    """Right books, for a test to spoil: of ten units three are held by ben, two were bought by ana."""

    snapshot: Snapshot
    journal: list[JournalEntry]
    orders: list[Order]

    def audit(self) -> list[str]:
        return audit(self.snapshot, self.journal, self.orders)

    def change(self, **changes: object) -> None:
        self.snapshot = msgspec.structs.replace(self.snapshot, **changes)

    def move(self, offset: int, *movements: Movement) -> None:
        """Put other movements into the entry at `offset`, or a new entry."""
        entry = JournalEntry(offset, offset, movements)
        self.journal[offset - 1 : offset] = [entry]


def move(kind: MovementKind, hold: str = "", viewer: str = "", qty: int = 1, price: int = 100) -> Movement:
    return Movement(kind, "d1", "RED", qty, hold, viewer, 0, price)


@pytest.fixture
def books() -> Books:
    journal = [
        JournalEntry(1, 1, (move(MovementKind.ALLOCATED, qty=10),)),
        JournalEntry(2, 2, (move(MovementKind.HELD, "a", "ana", 2), move(MovementKind.HELD, "b", "ben", 3))),
        JournalEntry(3, 3, (move(MovementKind.PAYING, "a", "ana", 2),)),
        JournalEntry(4, 4, (move(MovementKind.SOLD, "a", "ana", 2), move(MovementKind.HELD, "c", "cem"))),
        JournalEntry(5, 5, (move(MovementKind.EXPIRED, "c", "cem"),)),
    ]
    snapshot = Snapshot(
        show=SHOW,
        epoch="e",
        seq=2,
        offset=5,
        at_ms=6,
        drops=(Drop("d1", terms(limit=3), CARD),),
        units=(Units("d1", "RED", 5, 3, 2, 10),),
        holds=(Hold("b", "ben", "d1", "RED", 3, HoldState.HELD, 60_000, 100),),
    )
    orders = [Order("oa", "a", "ana", "d1", "RED", 2, 200, "ref", 4)]
    return Books(snapshot, journal, orders)


def test_right_books_have_no_problem(books: Books) -> None:
    assert books.audit() == []


def test_an_empty_show_has_no_problem() -> None:
    empty = Snapshot(SHOW, "e", 0, 0, 0, (), (), ())
    assert audit(empty, [], []) == []
    assert totals(empty) == Totals(allocated=0, free=0, held=0, sold=0, oversold=0)


def test_totals_sum_all_skus_and_count_what_was_sold_beyond_the_allocation(books: Books) -> None:
    assert totals(books.snapshot, books.orders) == Totals(allocated=10, free=5, held=3, sold=2, oversold=0)
    units = (Units("d1", "RED", 0, 3, 9, 10), Units("d1", "BLUE", 4, 0, 0, 4))
    books.change(units=units)
    assert totals(books.snapshot) == Totals(allocated=14, free=4, held=3, sold=9, oversold=2)
    more = [*books.orders, Order("ox", "x", "eve", "d1", "BLUE", 5, 0, "ref", 4)]
    assert totals(books.snapshot, more).oversold == 3


def counters(free: int, held: int, sold: int, allocated: int) -> Callable[[Books], None]:
    return lambda books: books.change(units=(Units("d1", "RED", free, held, sold, allocated),))


def orders(*changed: Order) -> Callable[[Books], None]:
    return lambda books: books.orders.__setitem__(slice(None), changed)


def entry(offset: int, *movements: Movement) -> Callable[[Books], None]:
    return lambda books: books.move(offset, *movements)


ORDER = Order("oa", "a", "ana", "d1", "RED", 2, 200, "ref", 4)
change = msgspec.structs.replace


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (counters(4, 3, 2, 10), "drop d1, SKU RED: free 4 + held 3 + sold 2 is not allocated 10"),
        (counters(-1, 9, 2, 10), "drop d1, SKU RED: free -1 + held 9 + sold 2 is not allocated 10"),
        (counters(6, 3, 1, 10), "drop d1, SKU RED: the engine counts 6 free, the journal tells 5"),
        (counters(6, 3, 1, 10), "drop d1, SKU RED: the engine counts 1 sold, the journal tells 2"),
        (counters(5, 3, 3, 11), "drop d1, SKU RED: the engine counts 11 allocated, the journal tells 10"),
        (counters(4, 4, 2, 10), "drop d1, SKU RED: open holds have 3 units, the engine counts 4"),
        (lambda books: books.change(units=()), "drop d1, SKU RED: in the journal, not in the show"),
        (lambda books: books.change(holds=()), "hold b: held in the journal, but not among the open holds"),
        (
            lambda books: books.change(
                holds=(*books.snapshot.holds, change(books.snapshot.holds[0], id="x"))
            ),
            "hold x: open for 3 units, in the journal unknown",
        ),
        (
            lambda books: books.change(holds=(change(books.snapshot.holds[0], qty=2),)),
            "hold b: open for 2 units, in the journal held",
        ),
        (lambda books: books.journal.pop(2), "the journal goes from offset 2 to 4"),
        (lambda books: books.journal.pop(0), "the journal goes from offset 0 to 2"),
        (lambda books: books.journal.pop(), "the journal ends at offset 4, the show is at 5"),
        (lambda books: books.journal.clear(), "the journal ends at offset 0, the show is at 5"),
        (orders(), "hold a: sold without an order"),
        (orders(), "drop d1, SKU RED: orders have 0 units, the journal sold 2"),
        (orders(ORDER, change(ORDER, id="ox")), "hold a: sold twice"),
        (orders(ORDER, change(ORDER, id="ox", hold="b")), "order ox: the journal knows no sale of hold b"),
        (orders(change(ORDER, amount_minor=199)), "order oa: amount 199, 2 x 100 were sold"),
        (
            orders(change(ORDER, viewer="eve")),
            "order oa: 2 of RED to eve, the journal sold ('ana', 'd1', 'RED', 2, 100)",
        ),
        (orders(change(ORDER, qty=3, amount_minor=300)), "orders have 3 units, the journal sold 2"),
        (
            entry(6, move(MovementKind.PAYING, "a", "ana", 2)),
            "",
        ),
        (
            entry(5, move(MovementKind.EXPIRED, "a", "ana", 2)),
            "hold a at journal offset 5: expired after sold",
        ),
        (entry(5, move(MovementKind.SOLD, "b", "ben", 3)), "hold b at journal offset 5: sold after held"),
        (entry(5, move(MovementKind.SOLD, "a", "ana", 2)), "hold a at journal offset 5: sold after sold"),
        (
            entry(5, move(MovementKind.RELEASED, "x")),
            "hold x at journal offset 5: released without having been held",
        ),
        (entry(5, move(MovementKind.HELD, "a", "ana")), "hold a at journal offset 5: held again after sold"),
        (
            entry(3, move(MovementKind.PAYING, "a", "ana", 1)),
            "hold a at journal offset 3: paying for ('ana', 'd1', 'RED', 1, 100), held for",
        ),
        (entry(5, move(MovementKind.HELD, "x", "eve", 5)), "takes 5 units where only 4 were free"),
        (
            entry(5, move(MovementKind.HELD, "x", "ana", 2)),
            "viewer ana has 4 units at journal offset 5, the limit is 3",
        ),
    ],
)
def test_every_mistake_is_named(books: Books, spoil: Callable[[Books], object], sentence: str) -> None:
    spoil(books)
    problems = books.audit()
    if sentence:
        assert any(sentence in problem for problem in problems), problems
    else:
        # What came after the snapshot is not held against it.
        assert problems == []


def test_a_sale_after_the_snapshot_explains_its_order(books: Books) -> None:
    books.move(6, move(MovementKind.PAYING, "b", "ben", 3), move(MovementKind.SOLD, "b", "ben", 3))
    books.orders.append(Order("ob", "b", "ben", "d1", "RED", 3, 300, "ref", 6))
    assert books.audit() == []


def test_a_limit_counts_what_is_held_and_sold_at_the_time_and_not_what_came_back(books: Books) -> None:
    books.move(6, move(MovementKind.RELEASED, "b", "ben", 3), move(MovementKind.HELD, "b2", "ben", 3))
    hold = Hold("b2", "ben", "d1", "RED", 3, HoldState.HELD, 60_000, 100)
    books.change(offset=6, holds=(hold,))
    assert books.audit() == []


def test_with_the_events_a_limit_is_the_one_of_its_time(books: Books) -> None:
    opened = DropOpened(1, 1, 1, "d1", terms(limit=3), {"RED": 10}, CARD)
    lowered = DropUpdated(2, 6, 5, "d1", terms(limit=1), {"RED": 5})
    books.change(drops=(Drop("d1", terms(limit=1), CARD),))
    assert len(books.audit()) == 2
    assert audit(books.snapshot, books.journal, books.orders, [opened, lowered]) == []
    books.move(6, move(MovementKind.HELD, "d", "dan", 2))
    hold = Hold("d", "dan", "d1", "RED", 2, HoldState.HELD, 60_000, 100)
    books.change(offset=6, holds=(*books.snapshot.holds, hold), units=(Units("d1", "RED", 3, 5, 2, 10),))
    assert audit(books.snapshot, books.journal, books.orders, [opened, lowered]) == [
        "drop d1: viewer dan has 2 units at journal offset 6, the limit is 1"
    ]
