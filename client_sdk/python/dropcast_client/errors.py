"""What the SDK raises. Refusals (sold out, over the limit, ...) are not here: they are returned.

DropcastError
├── CallError        the server answered with an error: code, message, temporary
├── OutcomeUnknown   the command was sent and no answer came: it was carried out, or it was not
├── Disconnected     there is no connection and none will come by itself, or the command was never sent
└── FellBehind       this consumer did not take its events in time
"""

from dropcast_client.codes import ERRORS_OPEN
from dropcast_client.commands import Command
from dropcast_client.events import Unknown
from dropcast_client.messages import Error, Reply


class DropcastError(Exception):
    """Base of everything that the SDK raises on purpose."""


class CallError(DropcastError):
    """The server answered with an error. With `temporary`, the same call may succeed later."""

    def __init__(self, code: str, message: str, temporary: bool) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.temporary = temporary

    @property
    def outcome_unknown(self) -> bool:
        """Whether the command may have been carried out all the same: the same key again tells."""
        return self.code in ERRORS_OPEN


class OutcomeUnknown(DropcastError):
    """No answer came in time. `command` has the key: a new call with that key finds out."""

    def __init__(self, command: Command) -> None:
        super().__init__(
            f"{command.__struct_config__.tag} got no answer: it may have been carried out or not"
        )
        self.command = command


class Disconnected(DropcastError):
    """Not connected; from a call: it was never sent. `code` is a close code, an HTTP status or a `Local`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"disconnected ({code:d}: {reason})")
        self.code = code
        self.reason = reason


class FellBehind(DropcastError):
    """More events than the inbox takes were waiting. They were let go; `seq` is the last one handed out."""

    def __init__(self, show: str, seq: int, waiting: int) -> None:
        super().__init__(f"{waiting} events of show {show} were not taken; the last one taken was {seq}")
        self.show = show
        self.seq = seq
        self.waiting = waiting


def fault_of(reply: Reply | Unknown) -> CallError:
    """Return the error that a reply is, or that it is not the answer which was asked for."""
    if isinstance(reply, Error):
        return CallError(reply.code, reply.message, reply.temporary)
    kind = reply.type if isinstance(reply, Unknown) else reply.__struct_config__.tag
    return CallError("unexpected_reply", f"`{kind}` is no answer to this", False)
