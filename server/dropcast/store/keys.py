"""Every key and channel name of dropcast, and who owns which key.

Whoever touches the engine is given a `Keys`, made from the setting `prefix`: no name is made anywhere else, so two
installations with different prefixes never meet in one engine. The keys of a show share a hash tag, so that a show
lives in one slot of a cluster and an engine function may touch all of them. functions.lua takes them in the order of
SHOW_KEYS.
"""

from collections.abc import Callable
from functools import lru_cache

from dropcast.domain.faults import NotFound
from dropcast.domain.ids import is_id

SHOW_KEYS = (
    "meta",
    "drops",
    "units",
    "holds",
    "due",
    "buyers",
    "orders",
    "events",
    "journal",
    "viewers",
    "done",
    "live",
    "moderated",
)
"""Grows at its end: functions of an older version take the first ones."""

CHANNEL = "live"
"""The only one of them that is a channel."""

_SHOWS_CACHED_MAX = 4_096


class Keys:
    """The names of one installation."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.shows = f"{prefix}:shows"
        """Sorted set of all show ids, in their order."""
        self.products = f"{prefix}:{{catalogue}}:products"
        self.product_order = f"{prefix}:{{catalogue}}:order"
        self._imports = f"{prefix}:{{catalogue}}:import:"
        self._leases = f"{prefix}:lease:"
        self._show_start = f"{prefix}:{{"
        self.all_of_show: Callable[[str], tuple[str, ...]] = lru_cache(_SHOWS_CACHED_MAX)(self._all_of_show)
        """Return the keys of a show in the order in which every engine function takes them.

        Raises NotFound for a name that no show can have: a brace in it would move the keys to another slot.
        """

    def of_show(self, show: str, name: str) -> str:
        """Return the key `name` of `show`."""
        return f"{self._show_start}{show}}}:{name}"

    def channel(self, show: str) -> str:
        return self.of_show(show, CHANNEL)

    def imported(self, name: str) -> tuple[str, str]:
        """Return the keys of the products, and of their order, that the import `name` writes.

        They stand beside the catalogue that is read, and expire unless they take its place.
        """
        return f"{self._imports}{name}:products", f"{self._imports}{name}:order"

    def lease(self, name: str) -> str:
        return self._leases + name

    def has_owner(self, key: str) -> bool:
        """Whether `key` has a place in this file. Leases and imports have none: they must expire."""
        if key in (self.shows, self.products, self.product_order):
            return True
        show, end, name = key.removeprefix(self._show_start).partition("}:")
        is_named = bool(show and end) and name in SHOW_KEYS and name != CHANNEL
        return key.startswith(self._show_start) and is_named

    def _all_of_show(self, show: str) -> tuple[str, ...]:
        if not is_id(show):
            raise NotFound("there is no such show")
        return tuple(self.of_show(show, name) for name in SHOW_KEYS)
