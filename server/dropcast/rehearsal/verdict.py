"""The verdict on a rehearsal, as Locust's process writes it.

The same struct stands in dropcast_loadtest's evening/closing.py: neither package imports the other, and a test
holds the two against each other.
"""

import msgspec


class Times(msgspec.Struct, frozen=True, kw_only=True):
    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The last line of `dropcast loadtest --json`."""

    evening: str
    show: str
    seconds: float
    users: int
    scalpers: int
    steps: int
    join: Times
    came_back: Times
    fan_out: Times
    hold: Times
    pay: Times
    delivered: int
    taps: int
    held: int
    refused_by_reason: dict[str, int]
    sold_out_share: float
    scalper_taps: int
    scalper_held: int
    scalper_refused_by_reason: dict[str, int]
    sent_away: int
    unpaid_by_reason: dict[str, int]
    orders: int
    units: int
    amount_minor: int
    currency: str
    oversold: int
    faults: dict[str, int]
    interrupted: bool
    audit: str
    failures: list[str]

    @property
    def passed(self) -> bool:
        return not self.failures
