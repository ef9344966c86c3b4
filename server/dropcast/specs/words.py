"""What fields mean that mean the same wherever they stand, and the values that texts may have.

A docstring under a field goes before its word here.
"""

from dropcast.domain.drop import DropStatus
from dropcast.domain.hold import HoldState
from dropcast.domain.show import ShowStatus
from dropcast.domain.trades import Reason
from dropcast.domain.viewer import Role
from dropcast.wire.codes import ERRORS

FIELDS = {
    "add_units": "Units to add by SKU, on top of what there is; a negative number takes back free ones.",
    "amount_minor": "The whole amount, in minor units of the show's currency.",
    "at_ms": "When it happened, by the engine's clock, in milliseconds since 1970.",
    "card": "What an app shows of it.",
    "code": "The error code, for programs.",
    "creator": "The viewer whose show it is.",
    "currency": "The ISO 4217 code of what prices are in.",
    "data": "Free data for the app: any JSON, nested 16 levels at most, integers within 53 bits.",
    "description": "Text of the merchant.",
    "drop": "Id of the drop.",
    "drops": "All drops of the show, in the order in which they were pinned.",
    "ended_at_ms": "When the show ended, in milliseconds since 1970; 0: not yet.",
    "epoch": "The event log that `seq` counts in: another one when history was lost.",
    "expires_at_ms": "The hold's deadline, by the engine's clock, in milliseconds since 1970.",
    "free": "Units that could be had.",
    "frozen": "Whether sales of the show are frozen.",
    "handle": "The product's id in the catalogue.",
    "hold": "Id of the hold.",
    "hold_ms": "How long a hold lasts, in milliseconds.",
    "holds": "The viewer's own open holds: one that is not in the list is not open.",
    "holds_at": "The journal offset that `holds` and `stock` are true of.",
    "id": "The client's number for the command: its reply carries it as `re`.",
    "image": "Address of a picture.",
    "key": "The client's name for this wish: the same key again has the same effect once.",
    "limit": "Units of the drop that one viewer may hold and have bought, over all its SKUs.",
    "limits": "What a client must keep to.",
    "message": "What is wrong, for people.",
    "moderators": "Viewers who may pin and announce in it as moderators.",
    "offset": "The journal offset that figures of stock and holds are true of: a message with a lower one is stale.",
    "opened_at_ms": "When it opened, by the engine's clock, in milliseconds since 1970; 0: not yet.",
    "opens_at_ms": "When sales open, by the engine's clock, in milliseconds since 1970; 0: at once.",
    "closes_at_ms": "When sales close by themselves, in milliseconds since 1970; 0: never.",
    "reveal_at_ms": "When apps show the card, in milliseconds since 1970; 0: at once.",
    "options": "Option values by name.",
    "order": "Id of the order; empty or missing unless the hold is sold.",
    "payment": "The payment provider's token.",
    "prices": "Price of one unit in minor units of the show's currency, by SKU.",
    "product": "The product's handle in the catalogue.",
    "qty": "How many units.",
    "re": "The `id` of the command that this answers.",
    "reason": "Why.",
    "recovered": "Whether `events` are exactly those after `since`; otherwise `state` is the whole present state.",
    "role": "What the viewer may do.",
    "seq": "The number of the event in its epoch; in replies and states, that of the last event.",
    "server_time_ms": "The engine's time, in milliseconds since 1970.",
    "show": "Id of the show.",
    "since": "The last event that the client has handed on.",
    "sku": "The variant's SKU.",
    "started_at_ms": "When the show started, in milliseconds since 1970; 0: not yet.",
    "starts_at_ms": "When the show is to start, in milliseconds since 1970; 0: not said.",
    "state": "How the hold stands.",
    "status": "How it stands.",
    "stock": "Units left by SKU.",
    "temporary": "Whether the same command may succeed later.",
    "text": "What is said.",
    "title": "Its name, for people.",
    "token": "A JSON Web Token, see the section on tokens.",
    "type": "Which message this is.",
    "units": "Units by SKU.",
    "variants": "What can be chosen from.",
    "vendor": "Who makes or sells it.",
    "viewer": "Id of the viewer, as their token names them; empty for an anonymous one.",
    "viewers": "How many viewers watch, over all workers.",
}

_HOLD_STATES = tuple(state.value for state in HoldState)
VALUES: dict[tuple[str, str], tuple[str, ...]] = {
    ("DropView", "status"): tuple(status.value for status in DropStatus),
    ("Error", "code"): tuple(ERRORS),
    ("ErrorBody", "code"): tuple(ERRORS),
    ("Held", "state"): _HOLD_STATES,
    ("HoldView", "state"): _HOLD_STATES,
    ("Refused", "reason"): tuple(reason.value for reason in Reason),
    ("SalesFrozen", "reason"): ("operator", "lost_history"),
    ("ShowView", "status"): tuple(status.value for status in ShowStatus),
    ("Welcome", "role"): tuple(role.value for role in Role),
}
"""The values of texts, by struct and field. New ones may come: a client takes what it does not know for unknown."""
