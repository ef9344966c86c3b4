"""How every process of the load test lives: config in on one line, progress out, and an end when told.

The end of standard input means "stop now". It comes too when whoever started the process dies, so that no
crowd is left behind. Interrupts are the starter's business: the terminal's Ctrl-C must not tear the crowd away
before the books are closed.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
import uvloop

from dropcast_loadtest.progress import Done, Reporter, Trouble
from dropcast_loadtest.sockets import allow_many_sockets

_CONFIG_BYTES_MAX = 256 * 2**20

Config = TypeVar("Config")
Act = Callable[[Config, Reporter], Awaitable[None]]


def main(config_type: type[Config], act: Act[Config], deadline_s: Callable[[Config], float]) -> None:
    """Read the config, carry out `act` until it returns or is stopped, and exit: 0 in good order, else 1."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    allow_many_sockets()
    sys.exit(uvloop.run(_run(config_type, act, deadline_s)))


async def _run(config_type: type[Config], act: Act[Config], deadline_s: Callable[[Config], float]) -> int:
    reporter = Reporter()
    reader = asyncio.StreamReader(limit=_CONFIG_BYTES_MAX)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reporter.tell(Trouble(message=_unhandled(context))))
    pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        config = msgspec.json.decode(await reader.readline(), type=config_type)
        fault = await _act_until_stopped(act(config, reporter), reader, deadline_s(config))
    except (msgspec.MsgspecError, ValueError) as error:
        fault = f"not a config: {error}"
    finally:
        pipe.close()
    reporter.tell(Done() if fault is None else Trouble(message=fault))
    return 0 if fault is None else 1


async def _act_until_stopped(
    act: Awaitable[None], reader: asyncio.StreamReader, deadline_s: float
) -> str | None:
    """Carry out `act`. Return what kept it from its end, or None."""
    acting = asyncio.ensure_future(act)
    stopped = asyncio.create_task(_until_stopped(reader))
    try:
        await asyncio.wait((acting, stopped), timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
        early = None if acting.done() else "stopped" if stopped.done() else "gave up at the deadline"
    finally:
        acting.cancel()
        stopped.cancel()
        await asyncio.wait((acting, stopped))
    if early is not None:
        return early
    fault = acting.exception()
    return _told(fault) if fault is not None else None


async def _until_stopped(reader: asyncio.StreamReader) -> None:
    while await reader.readline():
        pass


def _unhandled(context: dict[str, Any]) -> str:
    """Nothing that a callback raised may pass unseen."""
    fault = context.get("exception")
    return (
        f"{context['message']}: {_told(fault)}" if isinstance(fault, Exception) else str(context["message"])
    )


def _told(fault: BaseException) -> str:
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return f"{type(fault).__name__}: {fault}"
