"""A worker's view follows publications in order, skips what it knows, and notices what it missed."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dropcast.domain.drop import Card, CardVariant, Drop, DropStatus, Terms, Units
from dropcast.domain.events import (
    DropClosed,
    DropOpened,
    DropScheduled,
    Movement,
    MovementKind,
    Publication,
    SalesFrozen,
    SalesThawed,
    ShowEnded,
    ShowStarted,
    Snapshot,
    SoldOut,
    StockLine,
)
from dropcast.domain.hold import Hold, HoldState
from dropcast.domain.show import Frozen, Moderated, Show, ShowStatus
from dropcast.domain.state import Applied, ShowState, hold_after, movement_to

TERMS = Terms(DropStatus.OPEN, 2, 60_000, 5, {"A": 100})
CARD = Card(product="p", title="P", currency="EUR", variants=(CardVariant(sku="A", title="A"),))
HELD = Movement(MovementKind.HELD, "d", "A", 1, "h1", "ana", 9_000, 100)


def snapshot(**changes: Any) -> Snapshot:
    plain = Snapshot(
        show=Show(id="s", title="S", creator="cleo", currency="EUR"),
        epoch="e",
        seq=0,
        offset=0,
        at_ms=0,
        drops=(),
        units=(),
        holds=(),
    )
    return msgspec.structs.replace(plain, **changes)


def with_drop() -> ShowState:
    return ShowState(
        snapshot(seq=3, offset=4, drops=(Drop("d", TERMS, CARD),), units=(Units("d", "A", 2, 0, 0, 2),))
    )


def publication(seq: int, offset: int, **changes: Any) -> Publication:
    return msgspec.structs.replace(Publication("e", seq, offset, 7, (), (), ()), **changes)


def test_a_show_starts_and_ends_by_its_events() -> None:
    state = ShowState(snapshot())
    assert state.apply(publication(1, 0, events=(ShowStarted(1, 7, 0),))) is Applied.DONE
    assert (state.show.status, state.show.started_at_ms) == (ShowStatus.LIVE, 7)
    assert state.apply(publication(2, 0, events=(ShowEnded(2, 9, 0),))) is Applied.DONE
    assert (state.show.status, state.show.ended_at_ms) == (ShowStatus.ENDED, 9)


def test_a_drop_opens_with_its_stock_and_closes() -> None:
    state = ShowState(snapshot())
    allocated = Movement(MovementKind.ALLOCATED, "d", "A", 2, "", "", 0, 0)
    opened = DropOpened(1, 7, 1, "d", TERMS, {"A": 2}, CARD)
    assert state.apply(publication(1, 1, events=(opened,), movements=(allocated,))) is Applied.DONE
    assert state.stock == {"d": {"A": 2}}
    state.apply(publication(2, 1, events=(DropClosed(2, 8, 1, "d"),)))
    assert state.drops["d"].terms.status is DropStatus.CLOSED


def test_a_hold_is_its_viewers_until_it_ends() -> None:
    state = with_drop()
    state.apply(publication(3, 5, movements=(HELD,), stock=(StockLine("d", "A", 1),)))
    assert state.holds_of("ana") == [Hold("h1", "ana", "d", "A", 1, HoldState.HELD, 9_000, 100)]
    assert state.next_deadline_ms() == 9_000
    assert state.stock["d"]["A"] == 1
    sold = msgspec.structs.replace(HELD, kind=MovementKind.SOLD)
    state.apply(publication(3, 6, movements=(sold,)))
    assert state.holds_of("ana") == []
    assert state.next_deadline_ms() is None


def test_what_is_known_already_is_stale_and_changes_nothing() -> None:
    state = with_drop()
    assert state.apply(publication(3, 4, movements=(HELD,))) is Applied.STALE
    assert state.holds == {}


def test_a_missing_event_a_missing_entry_and_another_epoch_are_gaps() -> None:
    state = with_drop()
    assert state.apply(publication(5, 4, events=(SoldOut(5, 7, 4, "d", "A"),))) is Applied.GAP
    assert state.apply(publication(3, 6, movements=(HELD,))) is Applied.GAP
    assert state.apply(publication(4, 4)) is Applied.GAP
    assert state.apply(publication(3, 5, epoch="f", movements=(HELD,))) is Applied.GAP
    assert (state.seq, state.offset) == (3, 4)


def test_a_scheduled_drop_is_due_at_its_opening_and_an_open_one_at_its_closing() -> None:
    state = ShowState(snapshot())
    terms = msgspec.structs.replace(
        TERMS, status=DropStatus.SCHEDULED, opened_at_ms=0, opens_at_ms=50, closes_at_ms=90
    )
    state.apply(publication(1, 0, events=(DropScheduled(1, 7, 0, "d", terms, {"A": 2}, CARD),)))
    assert (state.drops["d"].terms.status, state.stock) == (DropStatus.SCHEDULED, {"d": {"A": 2}})
    assert state.next_deadline_ms() == 50
    terms = msgspec.structs.replace(terms, status=DropStatus.OPEN, opened_at_ms=50)
    state.apply(publication(2, 0, events=(DropOpened(2, 50, 0, "d", terms, {"A": 2}, CARD),)))
    assert state.next_deadline_ms() == 90
    state.apply(publication(3, 0, events=(DropClosed(3, 90, 0, "d"),)))
    assert state.next_deadline_ms() is None


def test_sales_freeze_and_thaw_by_events() -> None:
    state = with_drop()
    state.apply(publication(4, 4, events=(SalesFrozen(4, 7, 4, Frozen.LOST_HISTORY),)))
    frozen = state.show.frozen
    state.apply(publication(5, 4, events=(SalesThawed(5, 7, 4),)))
    assert (frozen, state.show.frozen) == (Frozen.LOST_HISTORY, Frozen.NO)


def test_moderated_viewers_follow_and_a_lost_change_is_a_gap() -> None:
    state = with_drop()
    banned = Moderated("ana", False, True)
    assert state.apply(publication(3, 4, moderations=1, moderated=(banned,))) is Applied.DONE
    assert state.apply(publication(3, 4, moderations=1, moderated=(banned,))) is Applied.STALE
    assert (state.is_banned("ana"), state.is_banned("ben"), state.is_banned("")) == (True, False, False)
    assert state.apply(publication(3, 4, moderations=3, moderated=(banned,))) is Applied.GAP
    assert state.apply(publication(4, 4, moderations=2, events=(SoldOut(4, 7, 4, "d", "A"),))) is Applied.GAP
    freed = Moderated("ana", False, False)
    assert state.apply(publication(3, 4, moderations=2, moderated=(freed,))) is Applied.DONE
    assert state.moderated == {}


def test_a_movement_to_a_hold_leads_to_it() -> None:
    for status in HoldState:
        hold = Hold("h1", "ana", "d", "A", 1, status, 9_000, 100)
        assert hold_after(movement_to(hold)) == hold


@given(st.lists(st.integers(0, 2), max_size=30), st.sets(st.integers(0, 29)))
def test_a_lost_publication_is_always_noticed_by_the_next_one(sizes: list[int], lost: set[int]) -> None:
    state, seq, whole = ShowState(snapshot()), 0, True
    for index, size in enumerate(sizes):
        events = tuple(SoldOut(seq + step + 1, 7, 0, "d", "A") for step in range(size))
        seq += size
        if index in lost:
            whole = whole and not size
            continue
        applied = state.apply(publication(seq, 0, events=events))
        if not size:
            assert applied in (Applied.STALE, Applied.GAP)
        else:
            assert applied is (Applied.DONE if whole else Applied.GAP)
        if applied is Applied.DONE:
            assert state.seq == seq
