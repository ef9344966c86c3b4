"""What the session asks of its shell, which takes the list after every input and carries it out in order."""

from typing import NamedTuple

from dropcast_client.errors import DropcastError
from dropcast_client.events import Event, Unknown
from dropcast_client.messages import Reply
from dropcast_client.states import Connection


class Dial(NamedTuple):
    """Open a socket, then call `opened`; or `lost`, when it does not come about."""

    attempt: int
    """Counts every dial from 0: where there are several servers, the next one is tried."""


class HangUp(NamedTuple):
    """Close the socket or stop dialling; the session has already gone on. Do not call `lost`."""

    reason: str
    polite: bool
    """Whether to wait for the other side's close; it may not be there any more."""


class Send(NamedTuple):
    payload: bytes


class Hand(NamedTuple):
    """Hand an event to whoever watches the show."""

    show: str
    event: Event


class End(NamedTuple):
    """Nothing more will come for this show."""

    show: str
    error: DropcastError | None
    """None when the application closed the session."""


class Resolve(NamedTuple):
    """A call has its answer."""

    call: int
    answer: Reply | Unknown | DropcastError


class Change(NamedTuple):
    """The connection went from one state to another, or to the same for another reason."""

    connection: Connection


Action = Dial | HangUp | Send | Hand | End | Resolve | Change
