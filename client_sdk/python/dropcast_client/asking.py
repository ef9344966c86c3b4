"""The calls of a client: each says one command and returns its reply, over lost connections if need be."""

import secrets
import time
from collections.abc import Mapping
from typing import Any, TypeVar

from dropcast_client.commands import (
    Announce,
    Auth,
    Checkout,
    Command,
    Pin,
    Ping,
    Release,
    Reserve,
    Unpin,
    Update,
)
from dropcast_client.errors import fault_of
from dropcast_client.messages import Done, Held, Pong, Refused, Released, Reply, Sold, Welcome
from dropcast_client.session import Session
from dropcast_client.shell import Shell

ReplyType = TypeVar("ReplyType", bound=Reply)


def new_key() -> str:
    """Return a key that nobody has used: 128 random bits as text."""
    return secrets.token_urlsafe(16)


class Asking:
    """Every call takes a `timeout_s` of its own. All raise CallError, OutcomeUnknown or Disconnected."""

    def __init__(self, session: Session, shell: Shell, call_timeout_s: float) -> None:
        self._session = session
        self._shell = shell
        self._call_timeout_s = call_timeout_s

    # Buying ----------------------------------------------------------------------------------------------

    async def reserve(
        self,
        *,
        show: str,
        drop: str,
        sku: str,
        qty: int = 1,
        key: str | None = None,
        timeout_s: float | None = None,
    ) -> Held | Refused:
        """Set units aside. The same `key` again gives the same hold as it now stands; None makes a new key."""
        command = Reserve(id=self._id(), show=show, drop=drop, sku=sku, qty=qty, key=key or new_key())
        return await self._call(command, (Held, Refused), timeout_s)

    async def release(self, *, show: str, hold: str, timeout_s: float | None = None) -> Released | Refused:
        """Give a hold's units back."""
        command = Release(id=self._id(), show=show, hold=hold)
        return await self._call(command, (Released, Refused), timeout_s)

    async def checkout(
        self, *, show: str, hold: str, payment: str, timeout_s: float | None = None
    ) -> Sold | Refused:
        """Pay for a hold with the payment provider's token. The hold is paid once, however often it is asked."""
        command = Checkout(id=self._id(), show=show, hold=hold, payment=payment)
        return await self._call(command, (Sold, Refused), timeout_s)

    # Selling: for the show's creator and moderators ------------------------------------------------------

    async def pin(
        self,
        *,
        show: str,
        product: str,
        units: Mapping[str, int],
        prices: Mapping[str, int] | None = None,
        limit: int | None = None,
        hold_ms: int | None = None,
        key: str | None = None,
        timeout_s: float | None = None,
    ) -> Done:
        """Pin a product as a drop, with units by SKU and, where they differ, prices in minor units by SKU."""
        command = Pin(
            id=self._id(),
            show=show,
            key=key or new_key(),
            product=product,
            units=dict(units),
            prices=dict(prices or {}),
            limit=limit,
            hold_ms=hold_ms,
        )
        return await self._call(command, (Done,), timeout_s)

    async def update(
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
    ) -> Done:
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
        return await self._call(command, (Done,), timeout_s)

    async def unpin(
        self, *, show: str, drop: str, key: str | None = None, timeout_s: float | None = None
    ) -> Done:
        """Close a drop."""
        command = Unpin(id=self._id(), show=show, drop=drop, key=key or new_key())
        return await self._call(command, (Done,), timeout_s)

    async def announce(
        self,
        *,
        show: str,
        text: str,
        data: Any = None,
        key: str | None = None,
        timeout_s: float | None = None,
    ) -> Done:
        """Say something to every viewer, with free JSON `data` for their apps."""
        command = Announce(id=self._id(), show=show, key=key or new_key(), text=text, data=data)
        return await self._call(command, (Done,), timeout_s)

    # The rest --------------------------------------------------------------------------------------------

    async def auth(self, token: str, *, timeout_s: float | None = None) -> None:
        """Renew the token on the open connection, for the same viewer. Later dials use it too, unless a callable
        gives one for each. Until then a command after the token's end raises CallError `token_expired`."""
        await self._call(Auth(id=self._id(), token=token), (Welcome,), timeout_s)
        self._shell.keep_token(token)

    async def ping(self, *, timeout_s: float | None = None) -> float:
        """Ask for the server's time, which sharpens `server_time_ms`. Return the round trip in milliseconds."""
        began_s = time.monotonic()
        await self._call(Ping(id=self._id()), (Pong,), timeout_s)
        return (time.monotonic() - began_s) * 1000

    async def _call(
        self, command: Command, expected: tuple[type[ReplyType], ...], timeout_s: float | None
    ) -> ReplyType:
        reply = await self._shell.call(command, self._timeout_s(timeout_s))
        if not isinstance(reply, expected):
            raise fault_of(reply)
        return reply

    def _timeout_s(self, given_s: float | None) -> float:
        return self._call_timeout_s if given_s is None else given_s

    def _id(self) -> int:
        return self._session.next_id()
