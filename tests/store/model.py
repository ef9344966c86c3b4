"""A plain model of a show's stock, to hold the engine against: small enough to be right by reading it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dropcast.domain.trades import (
    Expire,
    Granted,
    Outcome,
    Pay,
    Refused,
    Release,
    Reserve,
    Sell,
    Trade,
    Unpay,
)

Sku = tuple[str, str]


def word_of(outcome: Outcome) -> str:
    """The outcome in a word: granted with the hold's state, or why not."""
    if isinstance(outcome, Granted):
        return f"granted {outcome.hold.state.value}"
    if isinstance(outcome, Refused):
        return f"refused {outcome.reason.value} {outcome.free}"
    return f"invalid {outcome.problem.value}"


@dataclass
class Drop:
    limit: int
    status: str = "open"
    closes: bool = False


@dataclass
class Counters:
    free: int
    held: int = 0
    sold: int = 0
    announced: bool = False

    @property
    def allocated(self) -> int:
        return self.free + self.held + self.sold


@dataclass
class Held:
    asked: Reserve
    state: str = "held"
    attempt: str = ""


class Model:
    def __init__(self) -> None:
        self.drops: dict[str, Drop] = {}
        self.units: dict[Sku, Counters] = {}
        self.holds: dict[str, Held] = {}
        self.frozen = False
        self.muted: set[str] = set()
        self.banned: set[str] = set()
        self.due: set[str] = set()
        self.opening: set[str] = set()
        self.closing: set[str] = set()
        self.restocks_due: set[Sku] = set()
        self.announced: dict[Sku, list[str]] = {}

    # The creator -------------------------------------------------------------------------------------------

    def pin(
        self, drop: str, stock: Mapping[str, int], limit: int, *, is_open: bool = True, closes: bool = False
    ) -> None:
        self.drops[drop] = Drop(limit, "open" if is_open else "scheduled", closes)
        for sku, units in stock.items():
            self.units[drop, sku] = Counters(units, announced=units == 0)

    def may_add(self, drop: str, sku: str, units: int) -> bool:
        return self.drops[drop].status != "closed" and self.units[drop, sku].free + units >= 0

    def add(self, drop: str, sku: str, units: int) -> None:
        counters = self.units[drop, sku]
        before = counters.free
        counters.free += units
        if self.drops[drop].status != "open":
            return
        if units > 0 and counters.announced:
            self._announce("Restocked", (drop, sku))
        elif counters.free == 0 and before > 0 and not counters.announced:
            self._announce("SoldOut", (drop, sku))
        elif counters.free == 0:
            self.restocks_due.discard((drop, sku))

    def open(self, drop: str) -> None:
        self.drops[drop].status = "open"
        for (name, _), counters in self.units.items():
            if name == drop:
                counters.announced = counters.free == 0

    def close(self, drop: str) -> None:
        self.drops[drop].status = "closed"
        self.opening.discard(drop)
        self.closing.discard(drop)
        for (name, sku), counters in self.units.items():
            if name == drop:
                counters.free = 0
                self.restocks_due.discard((name, sku))

    # Looking -----------------------------------------------------------------------------------------------

    def is_open(self, hold: str) -> bool:
        return hold in self.holds and self.holds[hold].state in ("held", "paying")

    def with_status(self, *statuses: str) -> list[str]:
        return [name for name, drop in self.drops.items() if drop.status in statuses]

    def that_close(self) -> list[str]:
        """Drops that will close by themselves and have not yet."""
        return [name for name, drop in self.drops.items() if drop.closes and drop.status != "closed"]

    def moderated(self) -> dict[str, tuple[bool, bool]]:
        return {viewer: (viewer in self.muted, viewer in self.banned) for viewer in self.muted | self.banned}

    def open_holds(self) -> dict[str, str]:
        return {name: hold.state for name, hold in self.holds.items() if self.is_open(name)}

    def buyers(self) -> dict[str, int]:
        """Units held and sold by <drop>:<viewer>, and holds ever made by :<viewer>."""
        counts: dict[str, int] = {}
        for hold in self.holds.values():
            asked = hold.asked
            counts[f":{asked.viewer}"] = counts.get(f":{asked.viewer}", 0) + 1
            if hold.state in ("held", "paying", "sold"):
                buyer = f"{asked.drop}:{asked.viewer}"
                counts[buyer] = counts.get(buyer, 0) + asked.qty
        return counts

    def waiting_restocks(self) -> list[Sku]:
        """SKUs that were announced as sold out, have units again, and have not been announced as restocked."""
        return [
            sku
            for sku, counters in self.units.items()
            if counters.announced and counters.free > 0 and self.drops[sku[0]].status == "open"
        ]

    # Trades ------------------------------------------------------------------------------------------------

    def trade(self, trades: Sequence[Trade]) -> list[str]:
        """Carry out one call; return each outcome in a word."""
        before = {sku: counters.free for sku, counters in self.units.items()}
        for name in sorted(self.due):
            if self.is_open(name):
                self._give_back(self.holds[name], "expired")
        self.due.clear()
        for name in sorted(self.opening):
            self.open(name)
        self.opening.clear()
        for name in sorted(self.closing):
            self.close(name)
        words = [self._one(trade) for trade in trades]
        for sku, counters in self.units.items():
            if self.drops[sku[0]].status != "open":
                continue
            if counters.free == 0 and before[sku] > 0 and not counters.announced:
                self._announce("SoldOut", sku)
            elif counters.free > 0 and counters.announced and sku in self.restocks_due:
                self._announce("Restocked", sku)
        self.restocks_due.clear()
        return words

    def _one(self, trade: Trade) -> str:
        if isinstance(trade, Expire):
            return "granted expired"
        if isinstance(trade, Reserve):
            return self._reserve(trade)
        hold = self.holds.get(trade.hold)
        if hold is None:
            return "invalid unknown_hold"
        match trade:
            case Release():
                return self._release(hold)
            case Pay():
                return self._pay(hold, trade.attempt)
            case Unpay():
                return self._unpay(hold, trade.attempt)
            case Sell():
                return self._sell(hold, trade.attempt)

    def _reserve(self, trade: Reserve) -> str:
        known = self.holds.get(trade.hold)
        if known is not None:
            return f"granted {known.state}" if known.asked == trade else "invalid conflict"
        if trade.viewer in self.banned:
            return "refused banned 0"
        if trade.viewer in self.muted:
            return "refused muted 0"
        if self.drops[trade.drop].status != "open":
            return {"closed": "refused closed 0", "scheduled": "refused not_open 0"}[
                self.drops[trade.drop].status
            ]
        if self.frozen:
            return "refused frozen 0"
        counters = self.units.get((trade.drop, trade.sku))
        if counters is None:
            return "invalid unknown_sku"
        if trade.qty < 1:
            return "invalid bad_qty"
        allowed = self.drops[trade.drop].limit - self._units_of(trade.viewer, trade.drop)
        if trade.qty > allowed:
            return f"refused limit {max(0, min(allowed, counters.free))}"
        if trade.qty > counters.free:
            return f"refused sold_out {counters.free}"
        counters.free -= trade.qty
        counters.held += trade.qty
        self.holds[trade.hold] = Held(trade)
        return "granted held"

    def _units_of(self, viewer: str, drop: str) -> int:
        return sum(
            hold.asked.qty
            for hold in self.holds.values()
            if (hold.asked.viewer, hold.asked.drop) == (viewer, drop)
            and hold.state in ("held", "paying", "sold")
        )

    def _release(self, hold: Held) -> str:
        if hold.state == "held":
            self._give_back(hold, "released")
        return f"granted {hold.state}" if hold.state == "released" else f"refused {hold.state} 0"

    def _pay(self, hold: Held, attempt: str) -> str:
        if hold.state == "held":
            hold.state, hold.attempt = "paying", attempt
        if hold.state == "paying" and hold.attempt == attempt:
            return "granted paying"
        return f"refused {hold.state} 0"

    def _unpay(self, hold: Held, attempt: str) -> str:
        if hold.state == "paying" and hold.attempt == attempt:
            hold.state, hold.attempt = "held", ""
        return f"granted {hold.state}" if hold.state == "held" else f"refused {hold.state} 0"

    def _sell(self, hold: Held, attempt: str) -> str:
        if hold.state == "held":
            return "refused not_paying 0"
        if hold.state in ("paying", "sold") and hold.attempt == attempt:
            if hold.state == "paying":
                counters = self.units[hold.asked.drop, hold.asked.sku]
                counters.held -= hold.asked.qty
                counters.sold += hold.asked.qty
                hold.state = "sold"
            return "granted sold"
        return f"refused {hold.state} 0"

    def _give_back(self, hold: Held, state: str) -> None:
        counters = self.units[hold.asked.drop, hold.asked.sku]
        counters.held -= hold.asked.qty
        counters.free += hold.asked.qty
        hold.state = state

    def _announce(self, event: str, sku: Sku) -> None:
        self.units[sku].announced = event == "SoldOut"
        self.restocks_due.discard(sku)
        self.announced.setdefault(sku, []).append(event)
