"""The calls of the sync client: each says one command and waits for its reply, over lost connections if need be."""

import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from dropcast_client.asks import Ask, Asks, ReplyType, show_as_call
from dropcast_client.sync.shell import SyncShell

Fields = ParamSpec("Fields")


def _waiting(
    make: Callable[Concatenate[Asks, Fields], Ask[ReplyType]],
) -> "Callable[Concatenate[SyncAsking, Fields], ReplyType]":
    """Return the call that says what `make` makes."""

    def call(self: "SyncAsking", /, *args: Fields.args, **fields: Fields.kwargs) -> ReplyType:
        return self._ask(make(self._asks, *args, **fields))

    show_as_call(call, make)
    return call


class SyncAsking:
    """Every call takes a `timeout_s` of its own. All raise CallError, OutcomeUnknown or Disconnected."""

    def __init__(self, shell: SyncShell, call_timeout_s: float) -> None:
        self._shell = shell
        self._call_timeout_s = call_timeout_s
        self._asks = Asks(shell.next_id)

    reserve = _waiting(Asks.reserve)
    release = _waiting(Asks.release)
    checkout = _waiting(Asks.checkout)

    pin = _waiting(Asks.pin)
    update = _waiting(Asks.update)
    unpin = _waiting(Asks.unpin)
    announce = _waiting(Asks.announce)

    mute = _waiting(Asks.mute)
    ban = _waiting(Asks.ban)
    freeze = _waiting(Asks.freeze)
    thaw = _waiting(Asks.thaw)

    def auth(self, token: str, *, timeout_s: float | None = None) -> None:
        """Renew the token on the open connection, for the same viewer. Later dials use it too, unless a callable
        gives one for each. Until then a command after the token's end raises CallError `token_expired`."""
        self._ask(self._asks.auth(token, timeout_s=timeout_s))
        self._shell.keep_token(token)

    def ping(self, *, timeout_s: float | None = None) -> float:
        """Ask for the server's time, which sharpens `server_time_ms`. Return the round trip in milliseconds."""
        began_s = time.monotonic()
        self._ask(self._asks.ping(timeout_s=timeout_s))
        return (time.monotonic() - began_s) * 1000

    def _ask(self, ask: Ask[ReplyType]) -> ReplyType:
        timeout_s = self._call_timeout_s if ask.timeout_s is None else ask.timeout_s
        return ask.answer(self._shell.call(ask.command, timeout_s))
