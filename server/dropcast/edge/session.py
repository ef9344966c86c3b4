"""What a socket may say, when, and who may say it: one table. Pure.

The socket asks `refuse` of every command before anything is done; None lets it pass. Whether a viewer may act
on a particular show is the services' to know.
"""

from enum import Enum
from typing import NamedTuple

from dropcast.domain.viewer import Role, Viewer
from dropcast.wire import commands
from dropcast.wire.commands import Command


class State(Enum):
    NEW = "new"
    """The handshake is done, hello is awaited."""
    OPEN = "open"
    CLOSED = "closed"
    """A close frame was sent or the connection is gone: nothing is answered any more."""


class Rule(NamedTuple):
    state: State
    roles: frozenset[Role]


_EVERYONE = frozenset(Role)
_BUYERS = frozenset(Role) - {Role.ANONYMOUS}
_HOSTS = frozenset({Role.CREATOR, Role.MODERATOR, Role.OPERATOR})
_OPERATORS = frozenset({Role.OPERATOR})

RULES: dict[type[Command], Rule] = {
    commands.Hello: Rule(State.NEW, _EVERYONE),
    commands.Auth: Rule(State.OPEN, _EVERYONE),
    commands.Ping: Rule(State.OPEN, _EVERYONE),
    commands.Watch: Rule(State.OPEN, _EVERYONE),
    commands.Leave: Rule(State.OPEN, _EVERYONE),
    commands.Reserve: Rule(State.OPEN, _BUYERS),
    commands.Release: Rule(State.OPEN, _BUYERS),
    commands.Checkout: Rule(State.OPEN, _BUYERS),
    commands.Pin: Rule(State.OPEN, _HOSTS),
    commands.Update: Rule(State.OPEN, _HOSTS),
    commands.Unpin: Rule(State.OPEN, _HOSTS),
    commands.Announce: Rule(State.OPEN, _HOSTS),
    commands.Freeze: Rule(State.OPEN, _OPERATORS),
    commands.Thaw: Rule(State.OPEN, _OPERATORS),
    commands.Mute: Rule(State.OPEN, _HOSTS),
    commands.Ban: Rule(State.OPEN, _HOSTS),
}

_NEEDS_NO_TOKEN = frozenset(command for command, rule in RULES.items() if rule.roles is _EVERYONE)


class Refusal(NamedTuple):
    code: str
    message: str


_EXPIRED = Refusal("token_expired", "the token has expired; renew it by auth")


def refuse(
    state: State, viewer: Viewer, command: Command, now_s: float, *, had_token: bool = False
) -> Refusal | None:
    """Return why `command` may not pass, or None. `now_s` is seconds since 1970.

    `had_token`: an anonymous viewer is one whose token has expired.
    """
    rule = RULES[type(command)]
    if state is not rule.state:
        if state is State.NEW:
            return Refusal("hello_first", "the first command must be hello")
        return Refusal("hello_twice", "hello was said before; auth renews a token")
    if viewer.role not in rule.roles:
        if viewer.role is not Role.ANONYMOUS:
            return Refusal("forbidden", f"a {viewer.role.value} may not do that")
        return _EXPIRED if had_token else Refusal("unauthorized", "an anonymous viewer may only watch")
    if (
        type(command) not in _NEEDS_NO_TOKEN
        and viewer.expires_at_s is not None
        and now_s >= viewer.expires_at_s
    ):
        return _EXPIRED
    return None
