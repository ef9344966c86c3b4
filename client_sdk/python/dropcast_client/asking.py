"""The calls of the asyncio client: each says one command and returns its reply, over lost connections if need be."""

import time
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec

from dropcast_client.asks import Ask, Asks, ReplyType, show_as_call
from dropcast_client.session import Session
from dropcast_client.shell import Shell

Fields = ParamSpec("Fields")


def _awaited(
    make: Callable[Concatenate[Asks, Fields], Ask[ReplyType]],
) -> "Callable[Concatenate[Asking, Fields], Coroutine[Any, Any, ReplyType]]":
    """Return the call that says what `make` makes."""

    async def call(self: "Asking", /, *args: Fields.args, **fields: Fields.kwargs) -> ReplyType:
        return await self._ask(make(self._asks, *args, **fields))

    show_as_call(call, make)
    return call


class Asking:
    """Every call takes a `timeout_s` of its own. All raise CallError, OutcomeUnknown or Disconnected."""

    def __init__(self, session: Session, shell: Shell, call_timeout_s: float) -> None:
        self._shell = shell
        self._call_timeout_s = call_timeout_s
        self._asks = Asks(session.next_id)

    reserve = _awaited(Asks.reserve)
    release = _awaited(Asks.release)
    checkout = _awaited(Asks.checkout)

    pin = _awaited(Asks.pin)
    update = _awaited(Asks.update)
    unpin = _awaited(Asks.unpin)
    announce = _awaited(Asks.announce)

    mute = _awaited(Asks.mute)
    ban = _awaited(Asks.ban)
    freeze = _awaited(Asks.freeze)
    thaw = _awaited(Asks.thaw)

    async def auth(self, token: str, *, timeout_s: float | None = None) -> None:
        """Renew the token on the open connection, for the same viewer. Later dials use it too, unless a callable
        gives one for each. Until then a command after the token's end raises CallError `token_expired`."""
        await self._ask(self._asks.auth(token, timeout_s=timeout_s))
        self._shell.keep_token(token)

    async def ping(self, *, timeout_s: float | None = None) -> float:
        """Ask for the server's time, which sharpens `server_time_ms`. Return the round trip in milliseconds."""
        began_s = time.monotonic()
        await self._ask(self._asks.ping(timeout_s=timeout_s))
        return (time.monotonic() - began_s) * 1000

    async def _ask(self, ask: Ask[ReplyType]) -> ReplyType:
        timeout_s = self._call_timeout_s if ask.timeout_s is None else ask.timeout_s
        return ask.answer(await self._shell.call(ask.command, timeout_s))
