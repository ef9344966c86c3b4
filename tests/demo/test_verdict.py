"""The audit passes only when the books, the plan and the buyers' receipts tell the same story."""

import msgspec
import pytest
from msgspec.structs import replace

from dropcast.demo.lines import Step, Stepped
from dropcast.demo.verdict import allocation, judge, with_log
from dropcast.domain.drop import Units
from dropcast.domain.events import JournalEntry, MovementKind
from tests.demo.stage import JOURNAL, ORDER, RECEIPT, a_tally, drop, evidence, movement, snapshot


def test_a_show_in_order_passes() -> None:
    summary = judge(evidence())
    assert summary.audit == "ok"
    assert summary.passed
    assert (summary.sold, summary.orders, summary.orders_minor, summary.currency) == (1, 1, 1_000, "EUR")
    assert (summary.held, summary.released, summary.expired, summary.oversold) == (1, 0, 0, 0)
    assert summary.refused == 5
    assert summary.refused_by_reason == {"limit": 1, "sold_out": 4}
    assert (summary.delivered, summary.fanout_p50_ms, summary.fanout_p99_ms) == (40, 2.0, 8.0)


def test_the_summary_is_one_json_object_with_what_a_caller_looks_for() -> None:
    fields = msgspec.json.decode(msgspec.json.encode(judge(evidence())))
    wanted = "viewers drops delivered held refused sold oversold fanout_p50_ms fanout_p99_ms audit"
    assert set(wanted.split()) <= fields.keys()
    assert b"\n" not in msgspec.json.encode(judge(evidence()))


def test_more_sold_than_there_was_is_oversold_whatever_the_engine_says_was_allocated() -> None:
    books = snapshot([drop("mug", {"MUG": 1_000})], [Units("mug", "MUG", 0, 1, 4, 5)])
    summary = judge(evidence(snapshot=books))
    assert summary.oversold == 4, "5 taken and 2 taken back, of 3"
    assert "oversold" in summary.audit
    assert not summary.passed


def test_more_confirmed_to_buyers_than_there_was_is_oversold_even_when_the_books_look_right() -> None:
    told = [replace(RECEIPT, order=f"o{number}") for number in range(3)]
    summary = judge(evidence(tally=a_tally(RECEIPT, *told)))
    assert summary.oversold == 3
    assert not summary.passed


def test_a_confirmed_order_that_the_engine_does_not_have_fails() -> None:
    lost = replace(RECEIPT, order="olost")
    audit = judge(evidence(tally=a_tally(RECEIPT, lost), given={("mug", "MUG"): 9})).audit
    assert "1 orders confirmed to buyers that the engine does not have (olost)" in audit


def test_an_order_that_is_not_what_its_buyer_was_told_fails() -> None:
    assert "not what buyers were told" in judge(evidence(orders=[replace(ORDER, amount_minor=900)])).audit
    assert "not what buyers were told" in judge(evidence(orders=[replace(ORDER, viewer="victor")])).audit


def test_an_order_that_nobody_was_told_of_fails_unless_its_payment_got_no_answer() -> None:
    assert "no buyer was told of" in judge(evidence(tally=a_tally())).audit
    assert judge(evidence(tally=a_tally(unknown_holds=["h1"]))).audit == "ok"


def test_one_order_for_two_buyers_fails() -> None:
    tally = a_tally(RECEIPT, replace(RECEIPT, viewer="victor"))
    assert "more than one buyer" in judge(evidence(tally=tally)).audit


def test_units_that_the_creator_did_not_give_fail() -> None:
    more = JournalEntry(1, 50, (*JOURNAL.movements, movement(MovementKind.ALLOCATED, "MUG", 1)))
    assert "not what the creator gave" in judge(evidence(journal=[more])).audit


@pytest.mark.parametrize(
    ("count", "words"),
    [
        ("gaps", "1 numbered events missed"),
        ("duplicates", "1 numbered events seen twice"),
        ("two_holds", "1 double taps that got two holds"),
        ("lost", "1 viewers lost"),
        ("errors.conflict", "1 commands answered with the error conflict"),
    ],
)
def test_what_a_viewer_must_never_see_fails(count: str, words: str) -> None:
    assert words in judge(evidence(tally=a_tally(RECEIPT, counts={count: 1}))).audit


def test_a_viewer_who_did_not_see_the_end_fails() -> None:
    assert (
        "1 of 2 viewers saw the show end"
        in judge(evidence(tally=a_tally(RECEIPT, counts={"ended": 1}))).audit
    )


def test_faults_of_processes_and_of_the_books_fail_and_are_all_named() -> None:
    audit = judge(evidence(faults=["crowd process 1 ended with status -9"], books=["free is -1"])).audit
    assert audit == "free is -1; crowd process 1 ended with status -9"


def test_an_interrupted_show_passes_when_the_books_agree() -> None:
    summary = judge(evidence(interrupted=True))
    assert summary.interrupted
    assert summary.passed


def test_the_allocation_is_what_was_carried_out_of_the_plan() -> None:
    steps = [
        Step(at_s=0, act="announce", text="hello"),
        Step(at_s=1, act="pin", drop="first", units={"S": 2, "M": 0}),
        Step(at_s=2, act="top_up", drop="first", units={"S": 3}),
        Step(at_s=3, act="pin", drop="second", units={"X": 9}),
    ]
    done = [Stepped(act="announce"), Stepped(act="pin", drop="d1"), Stepped(act="top_up", drop="d1")]
    assert allocation(steps, done) == {("d1", "S"): 5, ("d1", "M"): 0}


def test_an_error_that_a_process_only_logged_fails() -> None:
    summary = judge(evidence())
    assert with_log(summary, ["2026-11-23 21:12:42 w0 WARNING dropcast: slow"]) == summary
    failed = with_log(
        summary, ["2026-11-23 21:12:42 w0 ERROR dropcast.store.tail: it broke", "Traceback (most"]
    )
    assert not failed.passed
    assert "2 errors were logged, the first: 2026-11-23 21:12:42 w0 ERROR dropcast.store.tail" in failed.audit
