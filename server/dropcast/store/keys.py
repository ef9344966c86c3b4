"""Every key and channel name of dropcast, and who owns which key.

The keys of a show share a hash tag, so that a show lives in one slot of a cluster and an engine function may touch
all of them. functions.lua takes them in the order of SHOW_KEYS.
"""

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

SHOWS = "dropcast:shows"
"""Sorted set of all show ids, in their order."""
PRODUCTS = "dropcast:{catalogue}:products"
PRODUCT_ORDER = "dropcast:{catalogue}:order"

_IMPORTS = "dropcast:{catalogue}:import:"
"""A catalogue that is being written, beside the one that is read. It expires unless it takes its place."""

_LEASES = "dropcast:lease:"
_SHOW_START = "dropcast:{"


def of_show(show: str, name: str) -> str:
    """Return the key `name` of `show`."""
    return f"{_SHOW_START}{show}}}:{name}"


@lru_cache(maxsize=4096)
def all_of_show(show: str) -> tuple[str, ...]:
    """Return the keys of `show` in the order in which every engine function takes them.

    Raises NotFound for a name that no show can have: a brace in it would move the keys to another slot.
    """
    if not is_id(show):
        raise NotFound("there is no such show")
    return tuple(of_show(show, name) for name in SHOW_KEYS)


def channel(show: str) -> str:
    return of_show(show, CHANNEL)


def imported(name: str) -> tuple[str, str]:
    """Return the keys of the products, and of their order, that the import `name` writes."""
    return f"{_IMPORTS}{name}:products", f"{_IMPORTS}{name}:order"


def lease(name: str) -> str:
    return _LEASES + name


def has_owner(key: str) -> bool:
    """Whether `key` has a place in this file. Leases and imports have none: they must expire."""
    if key in (SHOWS, PRODUCTS, PRODUCT_ORDER):
        return True
    show, end, name = key.removeprefix(_SHOW_START).partition("}:")
    return key.startswith(_SHOW_START) and bool(show and end) and name in SHOW_KEYS and name != CHANNEL
