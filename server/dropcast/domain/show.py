"""A show: one livestream of one creator."""

from enum import StrEnum

import msgspec


class ShowStatus(StrEnum):
    SCHEDULED = "scheduled"
    LIVE = "live"
    ENDED = "ended"


class Show(msgspec.Struct, frozen=True, kw_only=True):
    """A show as the engine keeps it. Times are the engine's, in milliseconds since 1970; 0 is "not yet"."""

    id: str
    title: str
    creator: str
    moderators: tuple[str, ...] = ()
    currency: str
    status: ShowStatus = ShowStatus.SCHEDULED
    starts_at_ms: int = 0
    started_at_ms: int = 0
    ended_at_ms: int = 0
