"""The states of a connection and every transition between them; client_sdk/spec/states.md has the same."""

from enum import StrEnum
from typing import NamedTuple


class Phase(StrEnum):
    DISCONNECTED = "disconnected"
    """No socket, and none will come by itself."""
    CONNECTING = "connecting"
    """No welcome yet: waiting to dial, dialling, or hello was said."""
    CONNECTED = "connected"
    """The server said welcome."""


class Trigger(StrEnum):
    CONNECT = "connect"
    """The application asks for a connection."""
    WELCOME = "welcome"
    """The server said welcome."""
    LOST = "lost"
    """The connection ended, or did not come about, with a code that says: come back."""
    REFUSED = "refused"
    """It ended, or did not come about, with a code that says: do not."""
    CLOSE = "close"
    """The application has done."""


TRANSITIONS: dict[tuple[Phase, Trigger], Phase] = {
    (Phase.DISCONNECTED, Trigger.CONNECT): Phase.CONNECTING,
    (Phase.DISCONNECTED, Trigger.CLOSE): Phase.DISCONNECTED,
    (Phase.CONNECTING, Trigger.WELCOME): Phase.CONNECTED,
    (Phase.CONNECTING, Trigger.LOST): Phase.CONNECTING,
    (Phase.CONNECTING, Trigger.REFUSED): Phase.DISCONNECTED,
    (Phase.CONNECTING, Trigger.CLOSE): Phase.DISCONNECTED,
    (Phase.CONNECTED, Trigger.LOST): Phase.CONNECTING,
    (Phase.CONNECTED, Trigger.REFUSED): Phase.DISCONNECTED,
    (Phase.CONNECTED, Trigger.CLOSE): Phase.DISCONNECTED,
}


class Connection(NamedTuple):
    """Where the connection stands, and why it came there."""

    phase: Phase
    code: int
    """A close code, an HTTP status or a `Local`."""
    reason: str

    def after(self, trigger: Trigger, code: int, reason: str) -> "Connection":
        """Return what follows. Raises ValueError for a transition that is not in the table."""
        phase = TRANSITIONS.get((self.phase, trigger))
        if phase is None:
            raise ValueError(f"{trigger} does not apply while {self.phase}")
        return Connection(phase, code, reason)
