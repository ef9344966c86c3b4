import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dropcast_client.errors import FellBehind
from dropcast_client.events import Event
from dropcast_client.inbox import Inbox
from dropcast_client.messages import Announcement, Stock, Viewers
from dropcast_client.parts import State
from dropcast_client.show_state import ShowState
from tests.sdk.driver import a_state


def a_show() -> ShowState:
    return ShowState("e1", 0, msgspec.convert(a_state(), State))


def announcement(seq: int) -> Announcement:
    return Announcement(show="s", seq=seq, at_ms=1, offset=10, text=str(seq))


def stock(units: int, offset: int) -> Stock:
    return Stock(show="s", offset=offset, units={"drop-1": {"cap-red": units}})


def drain(inbox: Inbox) -> list[Event]:
    events = []
    while (event := inbox.take()) is not None:
        events.append(event)
    return events


def test_events_come_out_in_the_order_in_which_they_went_in() -> None:
    inbox = Inbox("s", a_show, limit=10)
    events: list[Event] = [announcement(1), stock(3, 11), Viewers(show="s", viewers=4), announcement(2)]
    for event in events:
        inbox.put(event)
    assert drain(inbox) == events


def test_for_a_slow_consumer_stock_and_viewers_are_told_once_as_they_now_stand() -> None:
    state = a_show()
    inbox = Inbox("s", lambda: state, limit=100, conflate_at=2)
    inbox.put(announcement(1))
    inbox.put(announcement(2))
    for units in (4, 3, 2):
        state.apply_stock({"drop-1": {"cap-red": units}}, 20 - units)
        inbox.put(stock(units, 20 - units))
        state.viewers = units * 10
        inbox.put(Viewers(show="s", viewers=units * 10))
    inbox.put(announcement(3))
    assert drain(inbox) == [
        announcement(1),
        announcement(2),
        announcement(3),
        stock(2, 18),
        Viewers(show="s", viewers=20),
    ]


def test_what_was_put_together_stays_behind_what_came_later_until_it_is_taken() -> None:
    state = a_show()
    inbox = Inbox("s", lambda: state, limit=100, conflate_at=1)
    inbox.put(announcement(1))
    inbox.put(stock(4, 11))
    assert inbox.take() == announcement(1)
    state.apply_stock({"drop-1": {"cap-red": 3}}, 12)
    inbox.put(stock(3, 12))
    assert drain(inbox) == [stock(3, 12)]


def test_a_consumer_that_takes_nothing_ends_with_a_clear_error() -> None:
    inbox = Inbox("s", a_show, limit=3)
    inbox.put(announcement(1))
    assert inbox.take() == announcement(1)
    for seq in range(2, 6):
        inbox.put(announcement(seq))
    assert inbox.ended
    assert isinstance(inbox.error, FellBehind)
    assert (inbox.error.seq, inbox.error.waiting) == (1, 4)
    assert (drain(inbox), len(inbox)) == ([], 0)


def test_after_its_end_nothing_goes_in_and_what_waits_comes_out() -> None:
    inbox = Inbox("s", a_show, limit=3)
    inbox.put(announcement(1))
    inbox.end(None)
    inbox.put(announcement(2))
    assert drain(inbox) == [announcement(1)]
    assert inbox.error is None


@given(st.lists(st.sampled_from(["event", "stock", "take"]), max_size=200))
def test_numbered_events_are_never_lost_and_the_last_stock_is_the_latest(steps: list[str]) -> None:
    state = a_show()
    inbox = Inbox("s", lambda: state, limit=1_000, conflate_at=3)
    seq, units, offset = 0, 5, 10
    taken: list[Event] = []
    for step in steps:
        if step == "event":
            seq += 1
            inbox.put(announcement(seq))
        elif step == "stock":
            units, offset = units + 1, offset + 1
            state.apply_stock({"drop-1": {"cap-red": units}}, offset)
            inbox.put(stock(units, offset))
        elif (event := inbox.take()) is not None:
            taken.append(event)
    taken += drain(inbox)
    assert [event.seq for event in taken if isinstance(event, Announcement)] == list(range(1, seq + 1))
    figures = [event for event in taken if isinstance(event, Stock)]
    assert [event.offset for event in figures] == sorted({event.offset for event in figures})
    if figures:
        assert figures[-1] == stock(units, offset)
