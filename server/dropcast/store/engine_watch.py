"""The engine as a worker meets it: says in the log when the engine begins to fail, and when it is well again.

Every call of an engine function and every read of shows.py passes here, and so does the connection of the tail. A
worker asks for the sweeper's lease twice a second, so both are noticed soon. Whoever asks need not log an EngineFault.
"""

import contextlib
import logging
import time
from collections.abc import Iterator

from redis.exceptions import ReadOnlyError

from dropcast.domain.faults import EngineAway, EngineFault, EngineFull, EngineUnfit
from dropcast.store.connection import engine_faults
from dropcast.troubles import Troubles

logger = logging.getLogger(__name__)

_AWAY, _UNFIT, _NO_WRITES, _FULL, _CHANNELS = "away", "unfit", "no writes", "full", "channels"

_REFUSED = (
    "until it does, reserves, checkouts, pins and all else that changes a show are refused, and so are joins to shows "
    "that this worker does not follow; viewers who watch a show go on watching"
)
_REFUSED_FULL = (
    "until it has room, reserves, pins, top-ups and announcements are refused; payments, releases and deadlines "
    "go on"
)
_TAKES_NO_MEMORY = frozenset(
    f"dropcast_{name}"
    for name in ("end", "unpin", "freeze", "mute", "ban", "settle", "read", "beat", "lease", "run", "version")
)
"""Functions that a full engine carries out too, or that write nothing: that they succeed says nothing of memory."""
_TAKES_NO_WRITES = ("MISCONF", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN")
"""What the errors of an engine begin with that takes no writes from anybody for now."""
_WRITES_NOTHING = frozenset({"dropcast_read", "dropcast_run", "dropcast_version"})
STEADY_S = 1.0
_CHANNELS_PATIENCE_S = 1.0
"""A connection to the channels that is back sooner is not told of. Longer than the engine's absence goes unnoticed."""


class EngineWatch:
    """One for each worker. One that is not `logged` is for commands of one shot, which tell by their exit."""

    def __init__(self, *, logged: bool = True, steady_s: float = STEADY_S) -> None:
        """`steady_s`: how long the engine must answer until it is told to be well again."""
        self._troubles = Troubles(logger if logged else None, steady_s=steady_s)
        self._channels_lost_s: float | None = None

    def close(self) -> None:
        """Say nothing any more: this worker closes its connections, and what is under way on them fails."""
        self._troubles = Troubles(None)

    def failed(self, fault: EngineFault, function: str, show_key: str = "") -> None:
        """A call of `function`, or a read command, has failed; `show_key` is its first key."""
        match fault:
            case _ if isinstance(fault.__cause__, ReadOnlyError) or _takes_no_writes(fault):
                self._troubles.began(_NO_WRITES, "%s; %s", fault, _REFUSED)
            case EngineAway():
                self._troubles.began(_AWAY, "%s; %s", fault, _REFUSED)
            case EngineFull():
                self._troubles.began(_FULL, "%s; %s", fault, _REFUSED_FULL)
            case EngineUnfit():
                self._troubles.began(_UNFIT, "%s; %s", fault, _REFUSED)
            case _:
                # Of one show, such as a damaged key, or of one function.
                self._troubles.began((function, show_key), "%s fails: %s", _call(function, show_key), fault)

    def answered(self, function: str, show_key: str = "") -> None:
        """A call was carried out: what would have kept it from that is over."""
        if not self._troubles:
            return
        self._troubles.ended(_AWAY, "the engine answers again")
        self._troubles.ended(_UNFIT, "the engine accepts this server again")
        if function.startswith("dropcast_"):
            if function not in _WRITES_NOTHING:
                self._troubles.ended(_NO_WRITES, "the engine takes writes again")
            if function not in _TAKES_NO_MEMORY:
                self._troubles.ended(_FULL, "the engine has memory again")
        self._troubles.ended((function, show_key), "%s works again", _call(function, show_key))

    @contextlib.contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Read from the engine within this. Raises the EngineFault that a failure of the client means."""
        try:
            with engine_faults():
                yield
        except EngineFault as fault:
            self.failed(fault, what)
            raise
        self.answered(what)

    # The channels ------------------------------------------------------------------------------------------

    def channels_lost(self, why: Exception) -> None:
        """The connection to the shows' channels was lost, or could not be opened again."""
        now_s = time.monotonic()
        if self._channels_lost_s is None:
            self._channels_lost_s = now_s
        elif now_s - self._channels_lost_s >= _CHANNELS_PATIENCE_S and _AWAY not in self._troubles:
            self._troubles.began(
                _CHANNELS,
                "the shows' channels cannot be heard: %s; until then events reach viewers late, by the beats",
                why,
            )

    def channels_heard(self) -> None:
        self._channels_lost_s = None
        if self._troubles:
            self._troubles.ended(_CHANNELS, "the shows' channels are heard again")


def _takes_no_writes(fault: EngineFault) -> bool:
    return fault.__cause__ is not None and str(fault.__cause__).startswith(_TAKES_NO_WRITES)


def _call(function: str, show_key: str) -> str:
    return f"{function} of {show_key}" if show_key else function
