import msgspec
import pytest

from dropcast_client.codec import JSON
from dropcast_client.messages import Numbered
from dropcast_client.parts import State
from dropcast_client.show_state import ShowState
from tests.sdk.driver import a_state, an_event
from tests.sdk.worker import Message, drop_view


def a_show() -> ShowState:
    return ShowState("e1", 5, msgspec.convert(a_state(stock=5, offset=10), State))


def numbered(message: Message) -> Numbered:
    event = JSON.decode(msgspec.json.encode(message))
    assert isinstance(event, Numbered)
    return event


def stock_of(state: ShowState) -> dict[str, int]:
    return state.drops["drop-1"].stock


def test_stock_of_the_same_or_a_later_offset_is_taken() -> None:
    state = a_show()
    assert state.apply_stock({"drop-1": {"cap-red": 4}}, 10) == {"drop-1": {"cap-red": 4}}
    assert state.apply_stock({"drop-1": {"cap-red": 3}}, 12) == {"drop-1": {"cap-red": 3}}
    assert (stock_of(state), state.offset) == ({"cap-red": 3}, 12)


def test_stale_stock_is_left_out_sku_by_sku() -> None:
    state = a_show()
    state.apply_stock({"drop-1": {"cap-red": 3}}, 12)
    fresh = state.apply_stock({"drop-1": {"cap-red": 4, "cap-blue": 7}}, 11)
    assert fresh == {"drop-1": {"cap-blue": 7}}
    assert stock_of(state) == {"cap-red": 3, "cap-blue": 7}


def test_stock_of_a_drop_that_is_not_known_is_left_out() -> None:
    assert a_show().apply_stock({"drop-9": {"x": 1}}, 99) == {}


def test_an_older_event_does_not_bring_back_older_stock() -> None:
    state = a_show()
    state.apply_stock({"drop-1": {"cap-red": 3}}, 12)
    state.apply(numbered(an_event(6, "sold_out", drop="drop-1", sku="cap-red", offset=11)))
    assert stock_of(state) == {"cap-red": 3}


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("sold_out", {"drop": "drop-1", "sku": "cap-red"}, 0),
        ("restocked", {"drop": "drop-1", "sku": "cap-red", "free": 2}, 2),
        (
            "drop_updated",
            {"drop": "drop-1", "limit": 4, "hold_ms": 1_000, "prices": {}, "stock": {"cap-red": 9}},
            9,
        ),
    ],
)
def test_events_carry_stock(kind: str, fields: Message, expected: int) -> None:
    state = a_show()
    state.apply(numbered(an_event(6, kind, offset=11, **fields)))
    assert (stock_of(state)["cap-red"], state.seq, state.offset) == (expected, 6, 11)


def test_an_update_changes_the_terms() -> None:
    state = a_show()
    terms = {"limit": 9, "hold_ms": 1_000, "prices": {"cap-red": 1_500}, "stock": {}}
    state.apply(numbered(an_event(6, "drop_updated", drop="drop-1", **terms)))
    drop = state.drops["drop-1"]
    assert (drop.limit, drop.hold_ms, drop.prices, drop.is_open) == (9, 1_000, {"cap-red": 1_500}, True)


def test_a_drop_opens_and_closes() -> None:
    state = a_show()
    state.apply(numbered(an_event(6, "drop_opened", drop=drop_view(8) | {"drop": "drop-2"})))
    assert state.drops["drop-2"].stock == {"cap-red": 8}
    state.apply(numbered(an_event(7, "drop_closed", drop="drop-2")))
    assert not state.drops["drop-2"].is_open


def test_a_show_starts_and_its_end_closes_its_drops() -> None:
    state = a_show()
    state.apply(numbered(an_event(6, "show_started")))
    assert (state.show.status, state.show.started_at_ms) == ("live", 2_000)
    state.apply(numbered(an_event(7, "show_ended")))
    assert (state.show.status, state.show.ended_at_ms) == ("ended", 2_000)
    assert not state.drops["drop-1"].is_open


def test_an_event_about_an_unknown_drop_only_counts() -> None:
    state = a_show()
    state.apply(numbered(an_event(6, "drop_closed", drop="drop-9")))
    assert (state.seq, list(state.drops)) == (6, ["drop-1"])


def test_a_view_does_not_change_with_what_comes_after() -> None:
    state = a_show()
    view = state.view()
    state.apply_stock({"drop-1": {"cap-red": 0}}, 12)
    assert view == msgspec.convert(a_state(stock=5, offset=10), State)
