"""How often one creator or moderator may command at one worker, over all their sockets and HTTP requests.

Hosting asks before it asks the engine anything. What ends something or keeps somebody out has a bucket of its own, so
that a flood of announcements never keeps its own sender from unpinning, ending or banning. Operators are the shop's
own back office, which may act for every creator by one token: they are not limited here.
"""

from math import ceil
from time import monotonic

from dropcast.domain.faults import RateLimited
from dropcast.domain.viewer import Role, Viewer
from dropcast.metrics import counts
from dropcast.service.viewer_rates import ViewerRates

_MINUTE_S = 60.0


class HostRates:
    def __init__(self, *, commands_per_s: int, burst_s: int, shows_per_min: int) -> None:
        self._making = ViewerRates(commands_per_s, burst_s)
        self._ending = ViewerRates(commands_per_s, burst_s)
        self._shows = ViewerRates(shows_per_min / _MINUTE_S, _MINUTE_S)

    def count_making(self, viewer: Viewer) -> None:
        """Count a command that makes something. Raises RateLimited."""
        self._count(self._making, viewer)

    def count_ending(self, viewer: Viewer) -> None:
        """Count a command that ends something, or moderates. Raises RateLimited."""
        self._count(self._ending, viewer)

    def count_show(self, viewer: Viewer) -> None:
        """Count a show that is scheduled. Raises RateLimited."""
        self.count_making(viewer)
        now_s = monotonic()
        if viewer.role is not Role.OPERATOR and not self._shows.take(viewer.id, now_s):
            counts.limited["shows_per_creator_per_min"] += 1
            wait_s = self._shows.wait_s(viewer.id, now_s)
            raise RateLimited("too many shows scheduled; slow down", max(1, ceil(wait_s)))

    def _count(self, rates: ViewerRates, viewer: Viewer) -> None:
        if viewer.role is not Role.OPERATOR and not rates.take(viewer.id, monotonic()):
            raise RateLimited("too many commands; slow down")
