"""From outcomes and faults to replies. Pure."""

from dropcast.domain.faults import Fault
from dropcast.domain.hold import Hold, HoldState
from dropcast.domain.trades import Granted, Invalid, Outcome, Problem, Refused
from dropcast.wire import messages
from dropcast.wire.codes import ERRORS
from dropcast.wire.messages import Reply

_PROBLEMS: dict[Problem, tuple[str, str]] = {
    Problem.UNKNOWN_SHOW: ("not_found", "there is no such show"),
    Problem.UNKNOWN_DROP: ("not_found", "the show has no such drop"),
    Problem.UNKNOWN_SKU: ("not_found", "the drop has no such SKU"),
    Problem.UNKNOWN_HOLD: ("not_found", "there is no such hold"),
    Problem.NOT_YOURS: ("forbidden", "the hold is another viewer's"),
    Problem.CONFLICT: ("conflict", "the key was used before for another drop, SKU or quantity"),
    Problem.BAD_QTY: ("bad_request", "the quantity is out of its bounds"),
    Problem.BAD_TRADE: ("bad_request", "the request is out of its bounds"),
}


def error(re: int | None, code: str, message: str) -> messages.Error:
    return messages.Error(re=re, code=code, message=message, temporary=ERRORS[code].temporary)


def fault(re: int, raised: Fault) -> messages.Error:
    return error(re, raised.code, raised.message)


def reserved(re: int, show: str, outcome: Outcome | Fault) -> Reply:
    if isinstance(outcome, Granted):
        hold = outcome.hold
        return messages.Held(
            re=re,
            show=show,
            hold=hold.id,
            drop=hold.drop,
            sku=hold.sku,
            qty=hold.qty,
            state=hold.state.value,
            expires_at_ms=hold.expires_at_ms,
            amount_minor=hold.amount_minor,
            offset=outcome.offset,
            order=hold.order if hold.state is HoldState.SOLD else "",
        )
    return _otherwise(re, show, outcome)


def released(re: int, show: str, outcome: Outcome | Fault) -> Reply:
    if isinstance(outcome, Granted):
        return messages.Released(re=re, show=show, hold=outcome.hold.id, offset=outcome.offset)
    return _otherwise(re, show, outcome)


def paid(re: int, show: str, outcome: Outcome, detail: str) -> Reply:
    if isinstance(outcome, Granted):
        return _sold(re, show, outcome.hold, outcome.offset)
    return _otherwise(re, show, outcome, detail)


def _sold(re: int, show: str, hold: Hold, offset: int) -> messages.Sold:
    return messages.Sold(
        re=re, show=show, hold=hold.id, order=hold.order, amount_minor=hold.amount_minor, offset=offset
    )


def _otherwise(re: int, show: str, outcome: Refused | Invalid | Fault, detail: str = "") -> Reply:
    if isinstance(outcome, Refused):
        return messages.Refused(
            re=re,
            show=show,
            reason=outcome.reason.value,
            offset=outcome.offset,
            free=outcome.free,
            detail=detail,
        )
    if isinstance(outcome, Invalid):
        return error(re, *_PROBLEMS[outcome.problem])
    return fault(re, outcome)
