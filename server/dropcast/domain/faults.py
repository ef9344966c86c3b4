"""Faults: what must not happen in ordinary trade, and so is raised. Refusals are returned, see trades.py.

Fault
├── BadRequest          the caller's mistake: a code of the wire and a sentence
│   ├── NotFound        no such show, drop, hold, product
│   ├── Forbidden       this viewer may not do that
│   │   └── Banned      this viewer may not watch that show
│   ├── Conflict        a key was used before for something else, or the state does not allow it
│   └── TooLarge        more than may be sent at once
├── RateLimited         more of these than a limit allows; nothing was changed, later it may pass
├── EngineFault
│   ├── EngineAway      unreachable, or a replica by now; a write may or may not have happened
│   ├── EngineFull      out of memory; nothing was changed
│   └── EngineUnfit     too old or wrongly configured
└── PaymentFault        the provider did not answer; the outcome is unknown
"""


class Fault(Exception):
    """Base of everything that dropcast raises on purpose."""

    code = "internal"
    temporary = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadRequest(Fault):
    code = "bad_request"


class NotFound(BadRequest):
    code = "not_found"


class Forbidden(BadRequest):
    code = "forbidden"


class Banned(Forbidden):
    code = "banned"


class Conflict(BadRequest):
    code = "conflict"


class TooLarge(BadRequest):
    code = "too_large"


class RateLimited(Fault):
    code = "rate_limited"
    temporary = True

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        """`retry_after_s`: in how many seconds the same may pass; at least 1."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class EngineFault(Fault):
    code = "engine"
    temporary = True


class EngineAway(EngineFault):
    code = "engine_away"


class EngineFull(EngineFault):
    code = "engine_full"


class EngineUnfit(EngineFault):
    code = "engine_unfit"
    temporary = False


class PaymentFault(Fault):
    code = "payment"
    temporary = True
