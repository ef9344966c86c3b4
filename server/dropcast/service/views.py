"""From the words of the domain to the words of the wire. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from dropcast.domain import events
from dropcast.domain.drop import Card, Drop
from dropcast.domain.events import Event, Movement, MovementKind
from dropcast.domain.hold import Hold, HoldState
from dropcast.domain.show import Frozen, Show
from dropcast.domain.state import ShowState, hold_after
from dropcast.wire import messages
from dropcast.wire.codec import JSON, MSGPACK

Payloads = tuple[bytes, bytes]


def encode(message: messages.Message) -> Payloads:
    """Encode one message by each codec."""
    return JSON.encode(message), MSGPACK.encode(message)


def for_one(payload: bytes) -> Payloads:
    """Return a message that goes to one member only, and so is encoded by the member's codec only."""
    return payload, payload


def show_view(show: Show) -> messages.ShowView:
    return messages.ShowView(
        show=show.id,
        title=show.title,
        creator=show.creator,
        currency=show.currency,
        status=show.status.value,
        frozen=show.frozen is not Frozen.NO,
        starts_at_ms=show.starts_at_ms,
        started_at_ms=show.started_at_ms,
        ended_at_ms=show.ended_at_ms,
    )


def card_view(card: Card) -> messages.Card:
    return messages.Card(
        product=card.product,
        title=card.title,
        currency=card.currency,
        variants=tuple(
            messages.CardVariant(sku=variant.sku, title=variant.title, image=variant.image)
            for variant in card.variants
        ),
        description=card.description,
        vendor=card.vendor,
        image=card.image,
    )


def drop_view(drop: Drop, stock: Mapping[str, int]) -> messages.DropView:
    terms = drop.terms
    return messages.DropView(
        drop=drop.id,
        status=terms.status.value,
        limit=terms.limit,
        hold_ms=terms.hold_ms,
        opened_at_ms=terms.opened_at_ms,
        opens_at_ms=terms.opens_at_ms,
        closes_at_ms=terms.closes_at_ms,
        reveal_at_ms=terms.reveal_at_ms,
        prices=terms.prices,
        stock=dict(stock),
        card=card_view(drop.card),
    )


def state_of(state: ShowState, viewers: int, drops: tuple[Any, ...]) -> messages.State:
    """Return the state; its drops are given, perhaps encoded already."""
    return messages.State(show=show_view(state.show), drops=drops, viewers=viewers, offset=state.offset)


def hold_view(hold: Hold) -> messages.HoldView:
    return messages.HoldView(
        hold=hold.id,
        drop=hold.drop,
        sku=hold.sku,
        qty=hold.qty,
        state=hold.state.value,
        expires_at_ms=hold.expires_at_ms,
        amount_minor=hold.amount_minor,
        order=hold.order if hold.state is HoldState.SOLD else "",
    )


def event_view(show: str, event: Event) -> messages.Event:
    """Return the numbered event that viewers see for a logged one."""
    seq, at_ms, offset = event.seq, event.at_ms, event.offset
    match event:
        case events.ShowStarted():
            return messages.ShowStarted(show=show, seq=seq, at_ms=at_ms, offset=offset)
        case events.ShowEnded():
            return messages.ShowEnded(show=show, seq=seq, at_ms=at_ms, offset=offset)
        case events.DropScheduled():
            drop = drop_view(Drop(event.drop, event.terms, event.card), event.stock)
            return messages.DropScheduled(show=show, seq=seq, at_ms=at_ms, offset=offset, drop=drop)
        case events.DropOpened():
            drop = drop_view(Drop(event.drop, event.terms, event.card), event.stock)
            return messages.DropOpened(show=show, seq=seq, at_ms=at_ms, offset=offset, drop=drop)
        case events.DropUpdated():
            return messages.DropUpdated(
                show=show,
                seq=seq,
                at_ms=at_ms,
                offset=offset,
                drop=event.drop,
                limit=event.terms.limit,
                hold_ms=event.terms.hold_ms,
                prices=event.terms.prices,
                stock=event.stock,
            )
        case events.DropClosed():
            return messages.DropClosed(show=show, seq=seq, at_ms=at_ms, offset=offset, drop=event.drop)
        case events.SoldOut():
            return messages.SoldOut(
                show=show, seq=seq, at_ms=at_ms, offset=offset, drop=event.drop, sku=event.sku
            )
        case events.Restocked():
            return messages.Restocked(
                show=show,
                seq=seq,
                at_ms=at_ms,
                offset=offset,
                drop=event.drop,
                sku=event.sku,
                free=event.free,
            )
        case events.SalesFrozen():
            return messages.SalesFrozen(
                show=show, seq=seq, at_ms=at_ms, offset=offset, reason=event.reason.value
            )
        case events.SalesThawed():
            return messages.SalesThawed(show=show, seq=seq, at_ms=at_ms, offset=offset)
        case events.Announcement():
            return messages.Announcement(
                show=show, seq=seq, at_ms=at_ms, offset=offset, text=event.text, data=event.data
            )


_PERSONAL: dict[MovementKind, type[messages.Personal]] = {
    MovementKind.HELD: messages.HoldPlaced,
    MovementKind.PAYING: messages.HoldChanged,
    MovementKind.RESUMED: messages.HoldChanged,
    MovementKind.RELEASED: messages.HoldReleased,
    MovementKind.EXPIRED: messages.HoldExpired,
    MovementKind.SOLD: messages.OrderConfirmed,
}


def personal_view(show: str, movement: Movement, offset: int) -> messages.Personal | None:
    """Return what the holder is told of a movement; None when it is nobody's."""
    hold = hold_after(movement)
    if hold is None:
        return None
    return _PERSONAL[movement.kind](show=show, offset=offset, hold=hold_view(hold))


def encode_resync(show: str, state: ShowState, payloads: Payloads) -> Payloads:
    """Encode a `resync` around the already encoded state."""
    as_json, as_msgpack = (resync(show, state, payload) for payload in payloads)
    return JSON.encode(as_json), MSGPACK.encode(as_msgpack)


def resync(show: str, state: ShowState, payload: bytes) -> messages.Resync:
    """Return a `resync` around the state as one codec has encoded it."""
    return messages.Resync(show=show, epoch=state.epoch, seq=state.seq, state=msgspec.Raw(payload))
