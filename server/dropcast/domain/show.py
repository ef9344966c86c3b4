"""A show: one livestream of one creator."""

from enum import StrEnum

import msgspec


class ShowStatus(StrEnum):
    """How a show stands."""

    SCHEDULED = "scheduled"
    LIVE = "live"
    ENDED = "ended"


class Frozen(StrEnum):
    """Whether a show's sales are stopped, and why. Open holds may be paid all the same."""

    NO = ""
    OPERATOR = "operator"
    LOST_HISTORY = "lost_history"
    """The engine may have lost what viewers saw: an operator has to look before sales go on."""


class Moderated(msgspec.Struct, frozen=True, array_like=True):
    """What a host keeps a viewer from: written by functions.lua in this field order."""

    viewer: str
    muted: bool
    """May watch, but reserve nothing."""
    banned: bool
    """May neither watch nor reserve."""


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
    frozen: Frozen = Frozen.NO
