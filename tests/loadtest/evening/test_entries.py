"""Every outcome has its name in Locust's statistics; a refusal is an answer, and what must never happen a fault."""

import pytest

from dropcast_client import (
    CallError,
    Disconnected,
    DropcastError,
    Held,
    OutcomeUnknown,
    Refused,
    Released,
    Sold,
)
from dropcast_client.commands import Reserve
from dropcast_loadtest.evening.entries import (
    FAULT,
    RESERVE,
    SCALPER,
    SENT_AWAY,
    THROTTLED,
    VIEWER,
    Entry,
    answered,
    count_answers,
    count_steps,
    error,
    hosted,
    joined,
    refusals,
    witnessed,
)
from tests.loadtest.evening.stage import HELD

RESERVING = Reserve(id=1, show="friday", drop="d1", sku="MUG", qty=1, key="k")


@pytest.mark.parametrize(
    ("answer", "command", "name"),
    [
        (HELD, "reserve", "reserve held"),
        (Refused(re=1, show="friday", reason="sold_out", offset=1), "reserve", "reserve refused: sold out"),
        (Sold(re=1, show="friday", hold="h1", order="o1", amount_minor=1, offset=1), "pay", "pay sold"),
        (Refused(re=1, show="friday", reason="declined", offset=1), "pay", "pay refused: declined"),
        (Released(re=1, show="friday", hold="h1", offset=1), "release", "release done"),
    ],
)
def test_an_answer_is_named_by_command_and_outcome(
    answer: Held | Refused | Sold | Released, command: str, name: str
) -> None:
    assert answered(VIEWER, command, answer) == Entry("viewer", name)


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (CallError("engine_away", "gone", True), "error: engine away"),
        (OutcomeUnknown(RESERVING), "no answer"),
        (Disconnected(4001, "slow"), "lost"),
    ],
)
def test_what_is_no_answer_is_a_fault(failure: DropcastError, name: str) -> None:
    assert error(failure) == Entry(FAULT, name)


def test_the_witness_counts_two_kinds_of_fault_and_much_that_is_none() -> None:
    assert witnessed("gaps") == Entry(FAULT, "gap")
    assert witnessed("duplicates") == Entry(FAULT, "duplicate")
    assert witnessed("numbered") is None


def test_steps_of_the_run_of_show_are_told_from_the_creators_way_in() -> None:
    assert hosted("top_up") == Entry("creator", "run of show: top up")
    assert count_steps({hosted("pin"): 3, hosted("start"): 1, joined("creator"): 1}) == 4


def test_refusals_are_added_up_by_reason_for_one_kind_of_people() -> None:
    counts = {
        Entry(VIEWER, "reserve held"): 3,
        Entry(VIEWER, "reserve refused: limit"): 2,
        Entry(VIEWER, "pay refused: declined"): 9,
        Entry(SCALPER, "reserve refused: limit"): 7,
        THROTTLED: 5,
        SENT_AWAY: 1,
    }
    assert refusals(counts, VIEWER, RESERVE) == {"limit": 2}
    assert refusals(counts, SCALPER, RESERVE) == {"limit": 7, "rate limited": 5}
    assert count_answers(counts, VIEWER, RESERVE) == 5
    assert count_answers(counts, SCALPER, RESERVE) == 12
