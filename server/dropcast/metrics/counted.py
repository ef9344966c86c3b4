"""What one worker counts: plain attributes, so that a hook is one line and costs some tens of nanoseconds.

Whoever has something to count says `counts.deliveries += 1`; nobody there knows what becomes of it. A timer of the
worker shares all of them with the supervisor (sharing.py). catalogue.py says what each is called and means.
"""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from dropcast.limits import COUNTED
from dropcast.metrics.bounds import AGE_S, BATCH_SIZE, CALL_S, FANOUT_S, HTTP_S, LAG_S
from dropcast.metrics.values import LABELS_APART, Histogram, Histograms, Tally, Value, plain


class Counts:
    """See the module. What is set rather than counted is looked up by the timer that shares it."""

    def __init__(self) -> None:
        # Sockets
        self.connections = _tally("new", "open")
        self.sockets_accepted = 0
        self.sockets_slow = 0
        self.sockets_evicted = 0
        self.catch_ups = 0
        self.closes = Tally()
        self.errors = Tally()
        self.limited = _tally(*COUNTED)

        # The way out
        self.shows_followed = 0
        self.watching = 0
        self.publications = 0
        self.events = 0
        self.deliveries = 0
        self.fanout_s = Histogram(FANOUT_S)
        self.event_age_s = Histogram(AGE_S)

        # Coming back
        self.joins = 0
        self.recoveries = _tally("ring", "log", "state")
        self.gaps = _tally("publication", "beat")
        self.rereads = 0
        self.resyncs = 0
        self.tail_losses = 0

        # Trade
        self.batch_size = Histogram(BATCH_SIZE)
        self.batch_s = Histogram(CALL_S)
        self.trades = Tally()
        self.refusals = Tally()
        self.trades_waiting = 0
        self.payments = _tally("sold", "declined", "unanswered", "too_late", "undone", "abandoned")
        self.payments_unsettled = 0
        self.sweeps = _tally("followed", "lease")

        # The engine
        self.engine_call_s = Histograms(CALL_S)
        self.engine_failures = Tally()
        self.clock_offset_s = 0.0

        # HTTP
        self.http_requests = Tally()
        self.http_s = Histograms(HTTP_S)
        self.http_connections = 0
        self.accept_failures = 0

        # The process
        self.cpu_s = 0.0
        self.memory_bytes = 0
        self.loop_lag_s = Histogram(LAG_S)
        self.log_records = Tally()
        self.log_lines_dropped = _tally("debug", "info", "warning", "error", "critical")

    def joined(self, came_back: bool, outcome: str) -> None:
        """Count a viewer who watches from now on; `outcome` is how one who came back was caught up."""
        if came_back:
            self.recoveries[outcome] += 1
        else:
            self.joins += 1

    def sent_event(self, at_ms: int) -> None:
        """Count an event that is handed to its room; it happened `at_ms` by the engine's clock."""
        self.events += 1
        self.event_age_s.observe(time.time() + self.clock_offset_s - at_ms / 1000)

    def traded(self, trades: Sequence[object], outcomes: Sequence[object], began_s: float) -> None:
        """Count a batch that was carried out: its size, its time, and each trade by kind and outcome."""
        self.batch_size.observe(len(trades))
        self.batch_s.since(began_s)
        # Counted in C by class, for there are few: a batch is hundreds of trades.
        for (trade, outcome), number in Counter(
            zip(map(type, trades), map(type, outcomes), strict=True)
        ).items():
            self.trades[_trade_key(trade, outcome)] += number
            if outcome.__name__ == "Refused":
                refused: list[Any] = [told for told in outcomes if type(told) is outcome]
                for reason, times in Counter(told.reason for told in refused).items():
                    self.refusals[str(reason)] += times

    def values(self) -> dict[str, Value]:
        """Return everything as it travels, by name."""
        return {name: plain(value) for name, value in vars(self).items()}


def _tally(*known: str) -> Tally:
    """Return a tally in which `known` labels are there from the start, so that their first increase is seen."""
    return Tally(dict.fromkeys(known, 0))


_OUTCOMES = {"Granted": "granted", "Refused": "refused", "Invalid": "invalid"}
_KEYS: dict[tuple[type, type], str] = {}


def _trade_key(trade: type, outcome: type) -> str:
    """Return the label values of a trade and its outcome; what is none of the three outcomes is a fault."""
    key = _KEYS.get((trade, outcome))
    if key is None:
        told = _OUTCOMES.get(outcome.__name__, "fault")
        key = _KEYS[trade, outcome] = trade.__name__.lower() + LABELS_APART + told
    return key


counts = Counts()
"""This process' own. Tests read it before and after."""
