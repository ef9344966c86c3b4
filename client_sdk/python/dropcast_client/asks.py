"""The calls that a client can make: each is a command, the replies that it may have, and how long to wait.

One list for both shells: asking.py makes them awaitable, sync/asking.py blocking.
"""

import inspect
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar, get_args

from dropcast_client.commands import (
    Announce,
    Auth,
    Ban,
    Checkout,
    Command,
    Freeze,
    Mute,
    Pin,
    Ping,
    Release,
    Reserve,
    Thaw,
    Unpin,
    Update,
)
from dropcast_client.errors import fault_of
from dropcast_client.events import Unknown
from dropcast_client.messages import Done, Held, Pong, Refused, Released, Reply, Sold, Welcome

ReplyType = TypeVar("ReplyType", bound=Reply)


def new_key() -> str:
    """Return a key that nobody has used: 128 random bits as text."""
    return secrets.token_urlsafe(16)


class Ask(NamedTuple, Generic[ReplyType]):
    command: Command
    expected: tuple[type[ReplyType], ...]
    timeout_s: float | None
    """None: as long as the client's calls wait."""

    def answer(self, reply: Reply | Unknown) -> ReplyType:
        """Return the reply when it is one of those expected. Raises CallError."""
        if not isinstance(reply, self.expected):
            raise fault_of(reply)
        return reply


def show_as_call(call: Callable[..., object], make: Callable[..., object]) -> None:
    """Have `help` and editors show the call that says what `make` makes: its words, its fields, its replies."""
    signature = inspect.signature(make)
    (replies,) = get_args(signature.return_annotation)
    call.__name__ = make.__name__
    call.__doc__ = make.__doc__
    setattr(call, "__signature__", signature.replace(return_annotation=replies))  # noqa: B010


class Asks:
    """`next_id` numbers the commands."""

    def __init__(self, next_id: Callable[[], int]) -> None:
        self._id = next_id

    # Buying ----------------------------------------------------------------------------------------------

    def reserve(
        self,
        *,
        show: str,
        drop: str,
        sku: str,
        qty: int = 1,
        key: str | None = None,
        timeout_s: float | None = None,
    ) -> Ask[Held | Refused]:
        """Set units aside. The same `key` again gives the same hold as it now stands; None makes a new key."""
        command = Reserve(id=self._id(), show=show, drop=drop, sku=sku, qty=qty, key=key or new_key())
        return Ask(command, (Held, Refused), timeout_s)

    def release(self, *, show: str, hold: str, timeout_s: float | None = None) -> Ask[Released | Refused]:
        """Give a hold's units back."""
        return Ask(Release(id=self._id(), show=show, hold=hold), (Released, Refused), timeout_s)

    def checkout(
        self, *, show: str, hold: str, payment: str, timeout_s: float | None = None
    ) -> Ask[Sold | Refused]:
        """Pay for a hold with the payment provider's token. The hold is paid once, however often it is asked."""
        command = Checkout(id=self._id(), show=show, hold=hold, payment=payment)
        return Ask(command, (Sold, Refused), timeout_s)

    # Selling: for the show's creator and moderators ------------------------------------------------------

    def pin(
        self,
        *,
        show: str,
        product: str,
        units: Mapping[str, int],
        prices: Mapping[str, int] | None = None,
        limit: int | None = None,
        hold_ms: int | None = None,
        opens_at_ms: int = 0,
        closes_at_ms: int = 0,
        reveal_at_ms: int = 0,
        key: str | None = None,
        timeout_s: float | None = None,
    ) -> Ask[Done]:
        """Pin a product as a drop, with units by SKU and, where they differ, prices in minor units by SKU.

        Times are the server's, in milliseconds since 1970 (see `server_time_ms`); 0 is at once, and for
        `closes_at_ms` not by itself. Before `opens_at_ms` the drop is scheduled; apps show it from
        `reveal_at_ms` on.
        """
        command = Pin(
            id=self._id(),
            show=show,
            key=key or new_key(),
            product=product,
            units=dict(units),
            prices=dict(prices or {}),
            limit=limit,
            hold_ms=hold_ms,
            opens_at_ms=opens_at_ms,
            closes_at_ms=closes_at_ms,
            reveal_at_ms=reveal_at_ms,
        )
        return Ask(command, (Done,), timeout_s)

    def update(
        self,
        *,
        show: str,
        drop: str,
        add_units: Mapping[str, int] | None = None,
        prices: Mapping[str, int] | None = None,
        limit: int | None = None,
        hold_ms: int | None = None,
        key: str | None = None,
        timeout_s: float | None = None,
    ) -> Ask[Done]:
        """Add units (or take free ones back, with a negative number), reprice, or change the terms of a drop."""
        command = Update(
            id=self._id(),
            show=show,
            drop=drop,
            key=key or new_key(),
            add_units=dict(add_units or {}),
            prices=dict(prices or {}),
            limit=limit,
            hold_ms=hold_ms,
        )
        return Ask(command, (Done,), timeout_s)

    def unpin(
        self, *, show: str, drop: str, key: str | None = None, timeout_s: float | None = None
    ) -> Ask[Done]:
        """Close a drop."""
        command = Unpin(id=self._id(), show=show, drop=drop, key=key or new_key())
        return Ask(command, (Done,), timeout_s)

    def announce(
        self,
        *,
        show: str,
        text: str,
        data: Any = None,
        key: str | None = None,
        timeout_s: float | None = None,
    ) -> Ask[Done]:
        """Say something to every viewer, with free JSON `data` for their apps."""
        command = Announce(id=self._id(), show=show, key=key or new_key(), text=text, data=data)
        return Ask(command, (Done,), timeout_s)

    # Keeping order ---------------------------------------------------------------------------------------

    def mute(self, *, show: str, viewer: str, mute: bool = True, timeout_s: float | None = None) -> Ask[Done]:
        """Let a viewer watch on but reserve nothing in this show; with `mute` False, undo it."""
        return Ask(Mute(id=self._id(), show=show, viewer=viewer, mute=mute), (Done,), timeout_s)

    def ban(self, *, show: str, viewer: str, ban: bool = True, timeout_s: float | None = None) -> Ask[Done]:
        """Put a viewer out of this show: no watching, no reserving; with `ban` False, undo it."""
        return Ask(Ban(id=self._id(), show=show, viewer=viewer, ban=ban), (Done,), timeout_s)

    def freeze(self, *, show: str, timeout_s: float | None = None) -> Ask[Done]:
        """For operators: stop the sales of a show. Open holds may still be paid."""
        return Ask(Freeze(id=self._id(), show=show), (Done,), timeout_s)

    def thaw(self, *, show: str, timeout_s: float | None = None) -> Ask[Done]:
        """For operators: let the sales of a show go on."""
        return Ask(Thaw(id=self._id(), show=show), (Done,), timeout_s)

    # The rest --------------------------------------------------------------------------------------------

    def auth(self, token: str, *, timeout_s: float | None = None) -> Ask[Welcome]:
        return Ask(Auth(id=self._id(), token=token), (Welcome,), timeout_s)

    def ping(self, *, timeout_s: float | None = None) -> Ask[Pong]:
        return Ask(Ping(id=self._id()), (Pong,), timeout_s)
