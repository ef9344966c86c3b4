"""Who acts, and what each role may do with a show."""

from enum import StrEnum

import msgspec

from dropcast.domain.show import Show


class Role(StrEnum):
    ANONYMOUS = "anonymous"
    VIEWER = "viewer"
    CREATOR = "creator"
    MODERATOR = "moderator"
    OPERATOR = "operator"


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever a token names, or an anonymous viewer, whose id is empty."""

    id: str
    role: Role
    expires_at_s: int | None = None
    """When the token expires, in seconds since 1970; None for an anonymous viewer."""
    guest: bool = False


ANONYMOUS = Viewer(id="", role=Role.ANONYMOUS)


def may_buy(viewer: Viewer) -> bool:
    return viewer.role is not Role.ANONYMOUS


def may_operate(viewer: Viewer) -> bool:
    """Whether `viewer` may freeze and thaw the sales of any show."""
    return viewer.role is Role.OPERATOR


def may_schedule(viewer: Viewer) -> bool:
    return viewer.role in (Role.CREATOR, Role.OPERATOR)


def owns(viewer: Viewer, show: Show) -> bool:
    """Whether `viewer` may start and end `show` and name its moderators: its creator, or an operator."""
    return viewer.role is Role.OPERATOR or (viewer.role is Role.CREATOR and viewer.id == show.creator)


def may_host(viewer: Viewer, show: Show) -> bool:
    """Whether `viewer` may pin and announce in `show`: whoever owns it, and its moderators."""
    return owns(viewer, show) or (viewer.role is Role.MODERATOR and viewer.id in show.moderators)
