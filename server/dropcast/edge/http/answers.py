"""The bodies of HTTP answers. Routes make these, and the OpenAPI document is generated from them.

Shows, products, drops and states are answered as the structs that the domain and the wire already have.
"""

import msgspec

from dropcast.domain.catalogue import Product
from dropcast.domain.show import Show
from dropcast.wire.messages import DropView, State


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong. The codes are those of error replies on the socket."""

    code: str
    """One of the error codes, for programs."""
    message: str
    """What is wrong with this request, for people."""
    temporary: bool
    """Whether the same request may succeed later."""


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Every answer of 400 or above that is JSON."""

    error: ErrorBody
    """What went wrong."""


class ProductPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the catalogue, in the order of the handles."""

    items: list[Product]
    """What is on this page."""
    next: str | None
    """What `after` must be for the following page; null at the end."""


class ShowPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of shows, in the order of their ids."""

    items: list[Show]
    """What is on this page."""
    next: str | None
    """What `after` must be for the following page; null at the end."""


class ShowNow(Show, frozen=True, kw_only=True):
    """A show without its drops, and how far its logs are."""

    epoch: str
    """The event log that `seq` counts in."""
    seq: int
    """The number of the last event."""
    offset: int
    """The offset of the last journal entry."""


class DropPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a show's drops, in the order of their ids."""

    items: list[DropView]
    """What is on this page."""
    next: str | None
    """What `after` must be for the following page; null at the end."""
    epoch: str
    """The event log that `seq` counts in."""
    seq: int
    """The number of the last event that the items are true of."""
    offset: int
    """The journal offset that the figures of stock are true of."""


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """A catalogue was imported."""

    products: int
    """How many products were added or replaced."""
    warnings: list[str]
    """What is odd about the file but harmless, each with its line."""


class Pinned(msgspec.Struct, frozen=True, kw_only=True):
    """A drop was pinned, now or the first time its Idempotency-Key was used."""

    drop: str
    """The drop's id."""
    seq: int
    """The number of the last event of the show."""
    again: bool
    """Whether the key had been used before for the same: nothing was changed this time."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A show as it stands: what a viewer gets who watches from now on."""

    epoch: str
    """The event log that `seq` counts in."""
    seq: int
    """The number of the last event that `state` is true of."""
    at_ms: int
    """When it was so."""
    state: State
    offset: int
    """The journal offset that the figures of stock are true of."""


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    """The worker lives."""

    status: str
    """Always ok."""
    version: str
    """The version of dropcast."""


class Readiness(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether the worker can reach the engine."""

    status: str
    """Ready, or not ready."""
    reason: str = ""
    """Why it is not ready."""
