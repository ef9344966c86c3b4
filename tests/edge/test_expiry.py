"""Who has expired is found by one look a second, whoever has left meanwhile."""

from hypothesis import given
from hypothesis import strategies as st

from dropcast.edge.expiry import Expiries


def test_whoever_is_due_is_taken_out_once() -> None:
    expiries: Expiries[str] = Expiries()
    expiries.put("a", 10.0)
    expiries.put("b", 10.4)
    assert sorted(expiries.pop_due(10.0)) == ["a"]
    assert sorted(expiries.pop_due(10.9)) == []
    assert sorted(expiries.pop_due(11.0)) == ["b"]
    assert sorted(expiries.pop_due(99.0)) == []


def test_a_renewal_takes_the_place_of_what_was_noted() -> None:
    expiries: Expiries[str] = Expiries()
    expiries.put("a", 10.0)
    expiries.put("a", 20.0)
    assert list(expiries.pop_due(15.0)) == []
    assert list(expiries.pop_due(20.0)) == ["a"]


@given(st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(0, 50)))), st.integers(0, 60))
def test_nothing_is_kept_of_those_who_left(steps: list[tuple[int, int | None]], now_s: int) -> None:
    expiries: Expiries[int] = Expiries()
    known: dict[int, int] = {}
    for member, second in steps:
        if second is None:
            expiries.discard(member)
            known.pop(member, None)
        else:
            expiries.put(member, second)
            known[member] = second
    assert len(expiries) == len(known)
    due = sorted(expiries.pop_due(now_s))
    assert due == sorted(member for member, second in known.items() if second <= now_s)
    assert len(expiries) == len(known) - len(due)
