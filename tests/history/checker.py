"""Judges a history against what the engine has afterwards. Pure; checked by forged histories in test_checker.py.

Every answer names the journal offset that it is true of, so that "true" can be decided for each one by itself:
a hold that was answered is in the journal for that viewer and key and stood as it was told; a refusal had its
reason at that very point. A request whose answer is unknown may have happened, at most once.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from dropcast.domain.books import audit
from dropcast.domain.events import Event, JournalEntry, Snapshot
from dropcast.domain.hold import Order
from dropcast.domain.ids import hold_id
from tests.history.history import Answer, Failed, Holding, Op, Refused, Released, Sold, Unknown
from tests.history.recount import Recount


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """All that the engine has of one show, read in this order after the last client has left."""

    snapshot: Snapshot
    orders: tuple[Order, ...]
    journal: tuple[JournalEntry, ...]
    events: tuple[Event, ...]


def check(history: Sequence[Op], truth: Truth) -> list[str]:
    """Return what is wrong, a sentence each; nothing when every answer is true and no unit is in two hands."""
    limits = {drop.id: drop.terms.limit for drop in truth.snapshot.drops}
    recount = Recount(truth.journal, limits)
    problems = [
        f"books: {problem}" for problem in audit(truth.snapshot, truth.journal, truth.orders, truth.events)
    ]
    problems += recount.problems
    problems += _wrong_end(truth, recount)
    problems += _wrong_answers(history, recount, limits, {order.hold: order for order in truth.orders})
    problems += _holds_that_nobody_asked_for(history, recount)
    problems += _answers_from_the_past(history)
    return problems


def _wrong_end(truth: Truth, recount: Recount) -> Iterator[str]:
    """Hold the counters, the open holds and the orders against the journal's last word."""
    for units in truth.snapshot.units:
        sku = (units.drop, units.sku)
        counted = (recount.free.get(sku, 0), recount.held(sku), recount.sold.get(sku, 0))
        if counted != (units.free, units.held, units.sold):
            yield f"{sku}: free, held, sold are {counted} by the journal, {units.free, units.held, units.sold} told"
        if units.held + units.sold > units.allocated:
            yield f"{sku}: {units.held + units.sold} units are held or sold of {units.allocated}"
    last = {hold: steps[-1][1] for hold, steps in recount.steps.items()}
    told = {hold.id: hold.state.value for hold in truth.snapshot.holds}
    for hold, state in last.items():
        if state in ("held", "paying") and told.get(hold) != state:
            yield f"hold {hold}: {state} by the journal, {told.get(hold, 'not open')} in the show"
    ordered = [order.hold for order in truth.orders]
    if len(ordered) != len(set(ordered)):
        yield "a hold has two orders"
    for hold, state in last.items():
        if (state == "sold") != (hold in set(ordered)):
            yield f"hold {hold}: {state}, but {'an' if hold in ordered else 'no'} order"


def _wrong_answers(
    history: Sequence[Op], recount: Recount, limits: Mapping[str, int], orders: Mapping[str, Order]
) -> Iterator[str]:
    for op in history:
        for problem in _wrong(op, op.answer, recount, limits, orders):
            yield f"{op.viewer} {op.kind} {op.key or op.hold} at {op.began_s:.3f} s: {problem}"


def _wrong(
    op: Op, answer: Answer, recount: Recount, limits: Mapping[str, int], orders: Mapping[str, Order]
) -> Iterator[str]:
    match answer:
        case Holding():
            if answer.hold != hold_id(op.viewer, op.key):
                yield f"was answered with {answer.hold}, which is not the hold of this key"
            goods = (op.viewer, op.drop, op.sku, op.qty)
            if recount.goods.get(answer.hold) != goods:
                yield f"holds {goods}, the engine has {recount.goods.get(answer.hold)}"
            if answer.state not in recount.state_at(answer.hold, answer.offset):
                yield f"was told {answer.state} at offset {answer.offset}, which it was not"
        case Released():
            if "released" not in recount.state_at(op.hold, answer.offset):
                yield f"was told released at offset {answer.offset}, which it was not"
        case Sold():
            order = orders.get(op.hold)
            if order is None:
                yield "was sold, and the engine has no order"
            elif (order.id, order.viewer, order.amount_minor) != (
                answer.order,
                op.viewer,
                answer.amount_minor,
            ):
                yield f"was sold as {answer}, the engine has {order}"
            if "sold" not in recount.state_at(op.hold, answer.offset):
                yield f"was told sold at offset {answer.offset}, which it was not"
        case Refused():
            yield from _wrong_refusal(op, answer, recount, limits)
        case Failed() | Unknown():
            pass


def _wrong_refusal(op: Op, refused: Refused, recount: Recount, limits: Mapping[str, int]) -> Iterator[str]:
    """A refusal needs its reason at one point at least of the engine call that gave it."""
    offset = refused.offset
    match refused.reason:
        case "sold_out":
            free = recount.free_at((op.drop, op.sku), offset)
            if min(free) >= op.qty:
                yield f"sold_out for {op.qty} at offset {offset}, where {min(free)} were free throughout"
            elif refused.free not in free:
                yield f"sold_out with {refused.free} left at offset {offset}, where {free} were free"
        case "limit":
            units = recount.units_at((op.drop, op.viewer), offset)
            if max(units) + op.qty <= limits[op.drop]:
                yield f"limit for {op.qty} at offset {offset}, where the viewer had {max(units)} of {limits[op.drop]}"
        case "expired" | "released" | "sold" | "paying":
            if refused.reason not in recount.state_at(op.hold, offset):
                yield f"refused as {refused.reason} at offset {offset}, which it was not"
        case _:
            pass


def _holds_that_nobody_asked_for(history: Sequence[Op], recount: Recount) -> Iterator[str]:
    """A hold needs a request that was answered with it, or whose answer is unknown."""
    asked: set[str] = set()
    refused: set[str] = set()
    for op in history:
        if op.kind == "reserve":
            fits = isinstance(op.answer, Holding | Unknown)
            (asked if fits else refused).add(hold_id(op.viewer, op.key))
    for hold in recount.goods:
        if hold not in asked:
            why = "only ever refused" if hold in refused else "asked for by nobody"
            yield f"hold {hold} of {recount.goods[hold]} was {why}"


def _answers_from_the_past(history: Sequence[Op]) -> Iterator[str]:
    """A request that began after an answer had come knows at least as much: its offset is not below."""
    answered = [op for op in history if _offset(op.answer) is not None]
    ends = sorted(answered, key=lambda op: op.ended_s)
    top, next_end = 0, 0
    for op in sorted(answered, key=lambda op: op.began_s):
        while next_end < len(ends) and ends[next_end].ended_s < op.began_s:
            top = max(top, _offset(ends[next_end].answer) or 0)
            next_end += 1
        offset = _offset(op.answer)
        if offset is not None and offset < top:
            yield f"{op.viewer} {op.kind} {op.key or op.hold}: answered by offset {offset} after {top} was known"


def _offset(answer: Answer) -> int | None:
    """Return the journal offset that an answer is true of; a declined payment that was never undone has none."""
    return getattr(answer, "offset", None) or None
