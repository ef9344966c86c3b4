"""What one viewer may ask of the engine and the payment provider at one worker, over all their sockets.

Trading asks before a trade is submitted, dispatch before a checkout. Reserves have a bucket of their own, so that
whoever has used it up can still give back and pay; releases and checkouts share another one of the same rate. A third
one counts refusals: who goes on when it is empty is a flood, over however many sockets it comes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from dropcast.domain.faults import RateLimited
from dropcast.metrics import counts
from dropcast.service.viewer_rates import ViewerRates


class BuyerLimits:
    def __init__(self, *, reserves_per_s: int, refusals_per_s: int, burst_s: int, payments_max: int) -> None:
        """`refusals_per_s`: how often one viewer may be refused because of a rate, on average; `payments_max`:
        checkouts of one viewer that may be under way at once."""
        self.reserves = ViewerRates(reserves_per_s, burst_s)
        self.others = ViewerRates(reserves_per_s, burst_s)
        """Releases and checkouts."""
        self._refused = ViewerRates(refusals_per_s, burst_s)
        self._payments_max = payments_max
        self._payments: dict[str, int] = {}

    def is_flood(self, viewer: str) -> bool:
        """Count a command that was refused because of a rate. Return whether so many were that it is a flood."""
        return not self._refused.take(viewer, monotonic())

    @contextmanager
    def payment(self, viewer: str) -> Iterator[None]:
        """Count a checkout, and have it under way meanwhile. Raises RateLimited when it is one too many."""
        if not self.others.take(viewer, monotonic()):
            raise too_many("checkouts")
        under_way = self._payments.get(viewer, 0)
        if under_way >= self._payments_max:
            counts.limited["payments_per_viewer_max"] += 1
            raise RateLimited(f"{under_way} checkouts are under way: wait for one of them")
        self._payments[viewer] = under_way + 1
        try:
            yield
        finally:
            if self._payments[viewer] == 1:
                del self._payments[viewer]
            else:
                self._payments[viewer] -= 1


def too_many(what: str) -> RateLimited:
    """Return what a viewer is told whose bucket is empty."""
    counts.limited["viewer_reserves_per_s"] += 1
    return RateLimited(f"too many {what}; slow down")
