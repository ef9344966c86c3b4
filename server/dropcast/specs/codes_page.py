"""docs/reference/codes.md: error codes, close codes and reasons of refusals."""

from dropcast.specs.tables import code, page, table
from dropcast.wire.codes import CLOSE_REASONS, ERRORS, REFUSALS, Close, may_come_back


def render() -> str:
    errors = (
        (code(name), error.http_status, "yes" if error.temporary else "no", error.meaning)
        for name, error in ERRORS.items()
    )
    closes = (
        (int(close), code(close.name), "yes" if may_come_back(close) else "no", CLOSE_REASONS[close])
        for close in Close
    )
    refusals = ((code(reason), meaning) for reason, meaning in REFUSALS.items())
    return page(
        "Codes",
        "server/dropcast/wire/codes.py",
        "## Error codes",
        "On the socket in `error`, which leaves it open; over HTTP in `error` of the answer, with this status. "
        "Temporary: the same command, or request, may succeed later.",
        table(("code", "HTTP status", "temporary", "meaning"), errors),
        "## Close codes",
        "What ends a socket. 4000-4499: come back later. 4500-4999: do not, with the same words.",
        table(("code", "name", "come back", "meaning"), closes),
        "## Reasons of a refusal",
        "In `reason` of `refused`, the answer to a `reserve`, `release` or `checkout`. A refusal is an answer, not "
        "an error, and is not remembered: the same key may hold later. A client takes one that it does not know "
        "for a plain no.",
        table(("reason", "meaning"), refusals),
    )
