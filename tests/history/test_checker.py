"""The checker finds nothing wrong with a true history, and finds each thing that is wrong with a forged one."""

import msgspec
import pytest

from dropcast.domain.drop import Units
from dropcast.domain.events import MovementKind
from dropcast.domain.hold import Hold, HoldState, Order
from dropcast.domain.ids import hold_id
from tests.history import forge
from tests.history.checker import check
from tests.history.forge import (
    ANA_1,
    ANA_2,
    BEN_1,
    DROP,
    SKU,
    entry,
    history,
    holding,
    journal,
    move,
    op,
    truth,
)
from tests.history.history import Failed, Op, Refused, Released, Sold, Unknown, as_known_at

HELD, EXPIRED, SOLD, PAYING = (
    MovementKind.HELD,
    MovementKind.EXPIRED,
    MovementKind.SOLD,
    MovementKind.PAYING,
)
CEM_1 = hold_id("cem", "k1")


def answered(number: int, **changes: object) -> list[Op]:
    """The true history with one answer forged."""
    ops = history()
    forged = msgspec.structs.replace(
        ops[number], answer=msgspec.structs.replace(ops[number].answer, **changes)
    )
    return [*ops[:number], forged, *ops[number + 1 :]]


def assert_caught(problems: list[str], words: str) -> None:
    assert any(words in problem for problem in problems), problems


def test_a_true_history_is_found_true() -> None:
    assert check(history(), truth()) == []


# Units -----------------------------------------------------------------------------------------------------


def test_an_oversold_unit_is_caught_though_the_counters_hide_it() -> None:
    entries = [*journal(), entry(8, move(HELD, "cem", CEM_1, 2))]
    cem = op("reserve", "cem", 8, holding(CEM_1, 8, qty=2), key="k1", qty=2)
    assert_caught(check([*history(), cem], truth(journal=entries)), "oversold")


def test_counters_that_hold_more_than_was_allocated_are_caught() -> None:
    units = Units(drop=DROP, sku=SKU, free=0, held=3, sold=1, allocated=3)
    assert_caught(check(history(), truth(units=units)), "4 units are held or sold of 3")


def test_a_unit_that_is_nowhere_is_caught() -> None:
    units = Units(drop=DROP, sku=SKU, free=0, held=1, sold=1, allocated=3)
    assert_caught(check(history(), truth(units=units)), "free, held, sold")


def test_a_limit_exceeded_is_caught() -> None:
    entries = journal()
    entries[5] = entry(6, move(HELD, "ana", hold_id("ana", "k3")))
    ops = [*history()[:3], op("reserve", "ana", 6, holding(hold_id("ana", "k3"), 6), key="k3")]
    assert_caught(check(ops, truth(journal=entries)), "has 4 units of drop d1, limit 3")


# Keys ------------------------------------------------------------------------------------------------------


def test_a_key_that_holds_twice_is_caught() -> None:
    entries = [*journal(), entry(8, move(HELD, "ben", BEN_1))]
    assert_caught(check(history(), truth(journal=entries)), "holds twice")


def test_a_repeated_key_that_is_answered_with_another_hold_is_caught() -> None:
    other = hold_id("ben", "k2")
    entries = [*journal(), entry(8, move(HELD, "ben", other))]
    again = op("reserve", "ben", 8, holding(other, 8), key="k1")
    assert_caught(check([*history(), again], truth(journal=entries)), "not the hold of this key")


def test_a_key_that_was_only_ever_refused_and_holds_is_caught() -> None:
    ops = [*history()[:6], op("reserve", "ben", 7, Refused(reason="sold_out", offset=3), key="k1")]
    assert_caught(check(ops, truth()), "only ever refused")


def test_a_hold_that_nobody_asked_for_is_caught() -> None:
    assert_caught(check(history()[:6], truth()), "only ever refused")
    entries = [*journal(), entry(8, move(HELD, "cem", CEM_1))]
    assert_caught(check(history(), truth(journal=entries)), "asked for by nobody")


def test_an_error_that_says_nothing_was_done_and_did_is_caught() -> None:
    ops = [*history()[:6], op("reserve", "ben", 7, Failed(code="engine_full"), key="k1")]
    assert_caught(check(ops, truth()), "only ever refused")


# Answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "changes", "words"),
    [
        (0, {"offset": 1}, "was told held at offset 1"),
        (0, {"state": "released"}, "was told released"),
        (0, {"hold": ANA_2}, "not the hold of this key"),
        (2, {"offset": 2}, "limit for 1 at offset 2"),
        (3, {"offset": 2}, "sold_out for 1 at offset 2"),
        (3, {"offset": 7}, "sold_out for 1 at offset 7"),
        (3, {"free": 1}, "sold_out with 1 left"),
        (4, {"order": "other"}, "was sold as"),
        (4, {"amount_minor": 1}, "was sold as"),
        (4, {"offset": 4}, "was told sold at offset 4"),
        (5, {"offset": 5}, "was told released at offset 5"),
        (6, {"offset": 6}, "was told held at offset 6"),
    ],
)
def test_an_answer_that_the_engine_does_not_confirm_is_caught(
    number: int, changes: dict[str, object], words: str
) -> None:
    assert_caught(check(answered(number, **changes), truth()), words)


def test_a_hold_that_the_engine_lost_is_caught() -> None:
    lost = truth(
        journal=journal()[:6], holds=(), units=Units(drop=DROP, sku=SKU, free=2, held=0, sold=1, allocated=3)
    )
    assert_caught(check(history(), lost), "the engine has None")


def test_a_hold_that_is_not_open_any_more_in_the_show_is_caught() -> None:
    assert_caught(check(history(), truth(holds=())), "held by the journal, not open in the show")


def test_a_hold_for_something_else_is_caught() -> None:
    ops = history()
    ops[6] = op("reserve", "ben", 7, holding(BEN_1, 7), key="k1", qty=2)
    assert_caught(check(ops, truth()), "the engine has")


def test_a_lost_order_is_caught() -> None:
    assert_caught(check(history(), truth(orders=())), "the engine has no order")


def test_two_orders_for_one_hold_are_caught() -> None:
    order = Order("o" + ANA_1, ANA_1, "ana", DROP, SKU, 1, 100, "ref", 5)
    twice = (order, Order("o2", ANA_1, "ana", DROP, SKU, 1, 100, "ref2", 5))
    assert_caught(check(history(), truth(orders=twice)), "two orders")


def test_an_order_for_a_hold_that_was_let_go_is_caught() -> None:
    order = Order("o" + ANA_1, ANA_1, "ana", DROP, SKU, 1, 100, "ref", 5)
    more = (order, Order("o" + ANA_2, ANA_2, "ana", DROP, SKU, 2, 200, "ref", 6))
    assert_caught(check(history(), truth(orders=more)), "released, but an order")


def test_a_refusal_while_units_were_free_is_caught_and_one_during_the_same_call_is_not() -> None:
    entries = journal()
    both = (move(EXPIRED, "ana", ANA_2, 2), move(HELD, "cem", CEM_1, 2), move(EXPIRED, "cem", CEM_1, 2))
    entries[5] = entry(6, *both)
    ops = history()
    ops[5] = op("reserve", "cem", 6, Unknown(), key="k1", qty=2)
    refused = op("reserve", "dora", 6, Refused(reason="sold_out", offset=6), key="k1")
    assert check([*ops, refused], truth(journal=entries)) == []
    later = op("reserve", "dora", 8, Refused(reason="sold_out", offset=7), key="k1")
    assert_caught(check([*ops, later], truth(journal=entries)), "sold_out for 1 at offset 7")


def test_an_answer_older_than_one_that_was_known_is_caught() -> None:
    stale = op("reserve", "cem", 8, Refused(reason="sold_out", offset=3), key="k1")
    assert_caught(check([*history(), stale], truth()), "answered by offset 3 after 7 was known")


def test_requests_under_way_at_the_same_time_may_be_answered_in_any_order() -> None:
    early = op("reserve", "cem", 4.0, Refused(reason="sold_out", offset=3), key="k1")
    early = msgspec.structs.replace(early, ended_s=9.0)
    assert check([*history(), early], truth()) == []


# What is not known -----------------------------------------------------------------------------------------


def test_a_request_whose_answer_was_lost_may_have_happened_or_not() -> None:
    ops = history()
    ops[6] = op("reserve", "ben", 7, Unknown(), key="k1")
    assert check(ops, truth()) == []
    never = truth(
        journal=journal()[:6], holds=(), units=Units(drop=DROP, sku=SKU, free=2, held=0, sold=1, allocated=3)
    )
    assert check(ops, never) == []


def test_a_request_whose_answer_was_lost_may_not_have_happened_twice() -> None:
    ops = history()
    ops[6] = op("reserve", "ben", 7, Unknown(), key="k1")
    twice = [*journal(), entry(8, move(HELD, "ben", BEN_1))]
    assert_caught(check(ops, truth(journal=twice)), "holds twice")


def test_answers_after_a_moment_are_unknown_to_whoever_knew_the_history_then() -> None:
    known = as_known_at(history(), 5.05)
    kinds = [type(one.answer).__name__ for one in known]
    assert kinds == ["Holding", "Holding", "Refused", "Refused", "Unknown", "Unknown", "Unknown"]
    cut = truth(
        journal=journal()[:4],
        orders=(),
        holds=(
            Hold(ANA_1, "ana", DROP, SKU, 1, HoldState.PAYING, 0, 100),
            Hold(ANA_2, "ana", DROP, SKU, 2, HoldState.HELD, 0, 100),
        ),
        units=Units(drop=DROP, sku=SKU, free=0, held=3, sold=0, allocated=3),
    )
    assert check(known, cut) == []
    assert_caught(check(history(), cut), "no order")


def test_what_is_forged_is_of_the_forms_that_the_tests_name() -> None:
    assert [type(one.answer) for one in forge.history()][4:6] == [Sold, Released]
