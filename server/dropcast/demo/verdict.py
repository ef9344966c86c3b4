"""The verdict: was anything oversold, lost or invented? Pure: evidence in, one summary out.

Three accounts are held against each other. The engine's books must be right in themselves (domain/books.py).
The plan, as far as the creator carried it out, says how many units there ever were. The crowd's receipts say
what buyers were promised: each must be an order, and every order must be someone's receipt.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from dropcast.demo.lines import Receipt, Step, Stepped
from dropcast.demo.tally import Tally
from dropcast.domain.events import JournalEntry, MovementKind, Snapshot
from dropcast.domain.hold import Order

Line = tuple[str, str]
"""A drop and a SKU."""

_SHOWN_MAX = 3
_LOG_CHARS = 200


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    viewers: int
    """How many viewers were sent in."""
    arrived: int
    seconds: float
    """How long the show was live."""
    snapshot: Snapshot
    journal: Sequence[JournalEntry]
    orders: Sequence[Order]
    books: Sequence[str]
    """What is wrong with the books in themselves."""
    given: Mapping[Line, int]
    """Units by the plan as carried out."""
    tally: Tally
    faults: Sequence[str]
    """What went wrong with the processes."""
    interrupted: bool = False


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The last line of `dropcast demo --json`."""

    viewers: int
    drops: int
    seconds: float
    delivered: int
    """Messages of the show that reached a viewer, replies not counted."""
    held: int
    """Holds granted."""
    refused: int
    """Reserves refused, whatever the reason."""
    refused_by_reason: dict[str, int]
    unpaid_by_reason: dict[str, int]
    """Payments refused."""
    sold: int
    """Units."""
    orders: int
    orders_minor: int
    currency: str
    released: int
    """Holds."""
    expired: int
    """Holds."""
    oversold: int
    reconnects: int
    gaps: int
    outcome_unknown: int
    fanout_p50_ms: float
    fanout_p99_ms: float
    interrupted: bool
    audit: str
    """"ok", or what failed."""

    @property
    def passed(self) -> bool:
        return self.audit == "ok" and self.oversold == 0


def with_log(summary: Summary, lines: Iterable[str]) -> Summary:
    """Return the summary in the light of what the processes logged: an error that nobody saw is one all the same."""
    failure = find_logged(lines)
    if not failure:
        return summary
    audit = failure if summary.audit == "ok" else f"{summary.audit}; {failure}"
    return msgspec.structs.replace(summary, audit=audit)


def find_logged(lines: Iterable[str]) -> str:
    """Return in a few words which errors stand in a server's log; empty when there are none."""
    errors = [line for line in lines if " ERROR " in line or line.startswith("Traceback ")]
    return f"{len(errors)} errors were logged, the first: {errors[0][:_LOG_CHARS]}" if errors else ""


def judge(evidence: Evidence) -> Summary:
    tally, snapshot = evidence.tally, evidence.snapshot
    movements = Counter(movement.kind for entry in evidence.journal for movement in entry.movements)
    oversold = count_oversold(evidence)
    failures = [*find_failures(evidence)]
    if oversold:
        failures.insert(0, f"{oversold} units oversold")
    return Summary(
        viewers=evidence.arrived,
        drops=len(snapshot.drops),
        seconds=round(evidence.seconds, 1),
        delivered=tally.counts["delivered"],
        held=movements[MovementKind.HELD],
        refused=sum(tally.by_reason("refused").values()),
        refused_by_reason=tally.by_reason("refused"),
        unpaid_by_reason=tally.by_reason("unpaid"),
        sold=sum(units.sold for units in snapshot.units),
        orders=len(evidence.orders),
        orders_minor=sum(order.amount_minor for order in evidence.orders),
        currency=snapshot.show.currency,
        released=movements[MovementKind.RELEASED],
        expired=movements[MovementKind.EXPIRED],
        oversold=oversold,
        reconnects=tally.counts["reconnects"],
        gaps=tally.counts["gaps"] + tally.counts["duplicates"],
        outcome_unknown=tally.counts["outcome_unknown"],
        fanout_p50_ms=tally.fanout_ms(0.5),
        fanout_p99_ms=tally.fanout_ms(0.99),
        interrupted=evidence.interrupted,
        audit="; ".join(failures) or "ok",
    )


def allocation(steps: Sequence[Step], carried_out: Sequence[Stepped]) -> dict[Line, int]:
    """Return the units that the creator gave to each SKU of each drop, by the steps that were carried out."""
    units: Counter[Line] = Counter()
    for step, stepped in zip(steps, carried_out, strict=False):
        if step.act in ("pin", "top_up"):
            for sku, count in step.units.items():
                units[stepped.drop, sku] += count
    return dict(units)


def count_oversold(evidence: Evidence) -> int:
    """Return the units sold, held or confirmed to buyers beyond those that there were by the plan.

    What was taken out again when a drop closed could not be sold any more, so it does not count as there.
    """
    withdrawn = _moved(evidence.journal, MovementKind.WITHDRAWN)
    taken = {(units.drop, units.sku): units.sold + units.held for units in evidence.snapshot.units}
    confirmed: Counter[Line] = Counter()
    for receipt in evidence.tally.receipts:
        confirmed[receipt.drop, receipt.sku] += receipt.qty
    return sum(
        max(0, max(taken.get(line, 0), confirmed[line]) + withdrawn[line] - evidence.given.get(line, 0))
        for line in taken.keys() | confirmed.keys()
    )


def _moved(journal: Iterable[JournalEntry], kind: MovementKind) -> Counter[Line]:
    units: Counter[Line] = Counter()
    for entry in journal:
        for movement in entry.movements:
            if movement.kind is kind:
                units[movement.drop, movement.sku] += movement.qty
    return units


def find_failures(evidence: Evidence) -> Iterable[str]:
    """Give every way in which the show was not what it should have been, each in a few words."""
    counts = evidence.tally.counts
    yield from evidence.books
    yield from _compare_allocation(evidence)
    yield from _compare_orders(evidence)
    for name, words in (
        ("gaps", "numbered events missed by a viewer"),
        ("duplicates", "numbered events seen twice"),
        ("two_holds", "double taps that got two holds"),
        ("lost", "viewers lost for good"),
    ):
        if counts[name]:
            yield f"{counts[name]} {words}"
    for code, count in evidence.tally.by_reason("errors").items():
        yield f"{count} commands answered with the error {code}"
    if counts["ended"] != evidence.viewers:
        yield f"{counts['ended']} of {evidence.viewers} viewers saw the show end"
    yield from evidence.faults


def _compare_allocation(evidence: Evidence) -> Iterable[str]:
    allocated = _moved(evidence.journal, MovementKind.ALLOCATED)
    if +allocated != +Counter(evidence.given):
        yield "the engine's allocation is not what the creator gave"


def _compare_orders(evidence: Evidence) -> Iterable[str]:
    receipts = {receipt.order: receipt for receipt in evidence.tally.receipts}
    if len(receipts) != len(evidence.tally.receipts):
        yield "an order was confirmed to more than one buyer"
    orders = {order.id: order for order in evidence.orders}
    yield from _named(
        "orders confirmed to buyers that the engine does not have", receipts.keys() - orders.keys()
    )
    different = (
        name for name in receipts.keys() & orders.keys() if _as_receipt(orders[name]) != receipts[name]
    )
    yield from _named("orders that are not what buyers were told", different)
    untold = (
        order.id
        for order in evidence.orders
        if order.id not in receipts and order.hold not in evidence.tally.unknown_holds
    )
    yield from _named("orders that no buyer was told of", untold)


def _as_receipt(order: Order) -> Receipt:
    return Receipt(
        order=order.id,
        viewer=order.viewer,
        drop=order.drop,
        sku=order.sku,
        qty=order.qty,
        amount_minor=order.amount_minor,
    )


def _named(words: str, names: Iterable[str]) -> Iterable[str]:
    found = sorted(names)
    if found:
        more = ", ..." if len(found) > _SHOWN_MAX else ""
        yield f"{len(found)} {words} ({', '.join(found[:_SHOWN_MAX])}{more})"
