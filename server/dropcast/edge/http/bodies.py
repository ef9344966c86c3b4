"""Bodies of HTTP requests that are not commands of the socket as well."""

from typing import Annotated

import msgspec
from msgspec import Meta

from dropcast.wire.fields import INTEGER_MAX, Id, Name

# Python's $ also stands before a last line feed, which no currency has.
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)")]
"""An ISO 4217 code, as in EUR."""


class NewShow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A show to be scheduled."""

    title: Annotated[str, Meta(min_length=1, max_length=200)]
    currency: Currency
    """What the show sells in, as in EUR: only products priced in it can be pinned."""
    id: Id | None = None
    """Without it, one follows from the creator and the Idempotency-Key."""
    creator: Name | None = None
    """For operators: whose show it is; a creator's own otherwise."""
    moderators: Annotated[tuple[Name, ...], Meta(max_length=50)] = ()
    """Viewers who may pin and announce in it as moderators."""
    starts_at_ms: Annotated[int, Meta(ge=0, le=INTEGER_MAX)] = 0
    """When it is to start, for apps to show; 0 says nothing."""
