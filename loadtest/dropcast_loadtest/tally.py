"""What the viewers of one process have seen and done since it was last asked: counts, latencies, receipts.

The counts, by name:

    connected, disconnected    viewers that came and went
    delivered                  messages of the show that reached a viewer: events, stock, viewer counts, ticks
    numbered                   those of them that are numbered events
    gaps, duplicates           numbered events that were missed, or seen twice, on a socket
    reconnects, recovered      broken connections, and those that came back with every missed event
    ended                      viewers that saw the end of the show
    taps                       reserve commands
    held, held_units           holds granted
    refused.<reason>           reserves that were refused
    unpaid.<reason>            payments that were refused
    sold, released             orders confirmed, holds given back
    abandoned, expired         holds left to expire, and those that the viewer was told have expired
    two_holds                  double taps that got two holds for one key
    outcome_unknown            commands that never got an answer
    errors.<code>              commands that the server answered with an error
    lost                       viewers whose connection ended for good before the show did
"""

from collections import Counter

from dropcast_loadtest.histogram import Histogram
from dropcast_loadtest.progress import Progress, Receipt


class Tally:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.fanout_us = Histogram()
        self._receipts: list[Receipt] = []
        self._unknown_holds: list[str] = []

    def count(self, name: str, by: int = 1) -> None:
        self.counts[name] += by

    def receipt(self, receipt: Receipt) -> None:
        self._receipts.append(receipt)

    def unknown_hold(self, hold: str) -> None:
        self._unknown_holds.append(hold)

    def take(self) -> Progress:
        """Return what is new since the last call, and begin again from nothing."""
        progress = Progress(
            counts=dict(self.counts),
            fanout_us=self.fanout_us.take(),
            receipts=self._receipts,
            unknown_holds=self._unknown_holds,
        )
        self.counts = Counter()
        self._receipts, self._unknown_holds = [], []
        return progress
