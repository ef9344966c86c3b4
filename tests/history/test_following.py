"""A viewer's account: what is in order counts as such, and every way to break it is seen."""

from dropcast_client import Announcement, Event, Recovered, Resynced, ShowView, State
from tests.history.following import Seen

SHOW = ShowView(
    show="friday",
    title="Friday",
    creator="cleo",
    currency="EUR",
    status="live",
    frozen=False,
    starts_at_ms=0,
    started_at_ms=1,
    ended_at_ms=0,
)
STATE = State(show=SHOW, drops=(), viewers=1, offset=0)


def said(seq: int) -> Announcement:
    return Announcement(show="friday", seq=seq, at_ms=seq, offset=0, text=f"word {seq}")


def whole(seq: int, *, epoch: str = "e", first: bool = False) -> Resynced:
    return Resynced(show="friday", epoch=epoch, seq=seq, state=STATE, holds=(), first=first)


def back(seq: int) -> Recovered:
    return Recovered(show="friday", epoch="e", seq=seq, missed=0, holds=())


def seen(*events: Event) -> Seen:
    account = Seen(viewer="ana", keep_words=True)
    for event in (whole(5, first=True), *events):
        account.on_event(event)
    return account


def test_events_in_order_are_in_order() -> None:
    account = seen(said(6), said(7), back(7), said(8))
    assert account.problems(8) == []
    assert (account.first, account.events, account.recoveries) == (5, 3, 1)
    assert account.words == {6: "word 6", 7: "word 7", 8: "word 8"}


def test_a_gap_is_seen() -> None:
    assert seen(said(7)).problems(7) == ["ana saw 1 gaps"]


def test_a_gap_before_a_recovery_is_seen() -> None:
    assert seen(back(7)).problems(5) == ["ana saw 2 gaps"]


def test_a_duplicate_is_seen() -> None:
    assert seen(said(6), said(6)).problems(6) == ["ana saw 1 duplicates"]


def test_an_end_that_is_missing_is_seen() -> None:
    assert seen(said(6)).problems(7) == ["ana ended at event 6 of 7"]


def test_a_whole_state_may_stand_for_what_was_missed() -> None:
    account = seen(said(6), whole(9), said(10))
    assert account.problems(10) == []
    assert account.whole_states == 1


def test_a_whole_state_may_lead_back_in_another_epoch_only() -> None:
    assert seen(said(6), whole(3, epoch="f"), said(4)).problems(4) == []
    assert seen(said(6), whole(3)).problems(3) == ["ana saw 1 backwards"]
