"""Records a history while clients trade: every call of an SDK client with the times of its beginning and its end."""

import asyncio
import time
from typing import Any

from dropcast_client import CallError, Client, DropcastError, Held, Refused, Released, Sold
from tests.history import history
from tests.history.history import Answer, Failed, Op, Unknown
from tests.support.wait import wait_until

_DEADLINE_S = 120.0


class Recorder:
    """The calls of many viewers on one show. All of them return the answer as it was recorded."""

    def __init__(self, show: str) -> None:
        self.show = show
        self.ops: list[Op] = []

    async def reach(self, count: int, trading: asyncio.Future[Any]) -> None:
        """Wait until so many requests have come to an end, or `trading` has."""
        await wait_until(lambda: len(self.ops) >= count or trading.done(), timeout_s=_DEADLINE_S)

    async def reserve(
        self, client: Client, viewer: str, *, key: str, drop: str, sku: str, qty: int, timeout_s: float = 30.0
    ) -> Answer:
        began_s = time.monotonic()
        try:
            reply = await client.reserve(
                show=self.show, drop=drop, sku=sku, qty=qty, key=key, timeout_s=timeout_s
            )
            answer = _answer(reply)
        except DropcastError as error:
            answer = _failure(error)
        self.ops.append(
            Op(
                viewer=viewer,
                kind="reserve",
                began_s=began_s,
                ended_s=time.monotonic(),
                answer=answer,
                key=key,
                drop=drop,
                sku=sku,
                qty=qty,
            )
        )
        return answer

    async def release(self, client: Client, viewer: str, hold: str, timeout_s: float = 30.0) -> Answer:
        began_s = time.monotonic()
        try:
            answer = _answer(await client.release(show=self.show, hold=hold, timeout_s=timeout_s))
        except DropcastError as error:
            answer = _failure(error)
        self._end("release", viewer, hold, began_s, answer)
        return answer

    async def checkout(self, client: Client, viewer: str, hold: str, timeout_s: float = 30.0) -> Answer:
        """Pay with the sandbox's token that is approved."""
        began_s = time.monotonic()
        try:
            reply = await client.checkout(
                show=self.show, hold=hold, payment="tok_approve", timeout_s=timeout_s
            )
            answer = _answer(reply)
        except DropcastError as error:
            answer = _failure(error)
        self._end("checkout", viewer, hold, began_s, answer)
        return answer

    def _end(self, kind: str, viewer: str, hold: str, began_s: float, answer: Answer) -> None:
        op = Op(viewer=viewer, kind=kind, began_s=began_s, ended_s=time.monotonic(), answer=answer, hold=hold)
        self.ops.append(op)


def _answer(reply: Held | Released | Sold | Refused) -> Answer:
    match reply:
        case Held():
            return history.Holding(
                hold=reply.hold,
                state=reply.state,
                drop=reply.drop,
                sku=reply.sku,
                qty=reply.qty,
                offset=reply.offset,
                expires_at_ms=reply.expires_at_ms,
            )
        case Released():
            return history.Released(hold=reply.hold, offset=reply.offset)
        case Sold():
            return history.Sold(
                hold=reply.hold, order=reply.order, amount_minor=reply.amount_minor, offset=reply.offset
            )
        case Refused():
            return history.Refused(reason=reply.reason, offset=reply.offset, free=reply.free)


def _failure(error: DropcastError) -> Answer:
    if isinstance(error, CallError) and not error.outcome_unknown:
        return Failed(code=error.code)
    # Disconnected would mean that it was never sent; to call that unknown is the weaker claim.
    return Unknown(why=str(error))
