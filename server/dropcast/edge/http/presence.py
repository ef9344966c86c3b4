"""A request that must wait for the engine, or for other workers: given up when its client's connection is gone.

Gone is the connection's end. A client that has only ended its own side still reads.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

from dropcast.edge.http.exchange import HttpFault

T = TypeVar("T")


async def while_present(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` gives; cancel it when nobody is there any more to be answered."""
    loop = asyncio.get_running_loop()
    working = loop.create_task(work)
    leaving = loop.create_task(_gone(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise HttpFault("bad_message", "the client went away")
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.wait((working, leaving))


async def _gone(request: Request) -> None:
    """Return when the request's connection has ended; its body, if any, is passed over."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
