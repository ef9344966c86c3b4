"""The attackers as a process of their own: `python -m tests.proofs.attacks.process`, started by `Attackers` below.

Each line is an Order; the answer is its Tally, once its connections are closed. The process is the least important one
of the machine: what a client spends on reading answers must not be taken for what the server spends on making them.
"""

import gc
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import uvloop

from tests.proofs.attacks import catalogue
from tests.proofs.attacks.attack import Order, Slice, Tally
from tests.proofs.attacks.lines import Child, a_child, lines_in, say_line
from tests.proofs.crowd import allow_many_sockets

_NICENESS = 10


async def _run() -> None:
    async for line in lines_in():
        order = msgspec.json.decode(line, type=Order)
        tally = await Slice(order).run(catalogue.BY_NAME[order.attack])
        say_line(msgspec.json.encode(tally))
        gc.collect()


class Attackers:
    """The process from the outside."""

    def __init__(self, child: Child) -> None:
        self._child = child

    async def carry_out(self, order: Order) -> Tally:
        return msgspec.json.decode(await self._child.ask(msgspec.json.encode(order)), type=Tally)


@asynccontextmanager
async def attackers() -> AsyncIterator[Attackers]:
    async with a_child("tests.proofs.attacks.process") as child:
        yield Attackers(child)


if __name__ == "__main__":
    os.nice(_NICENESS)
    allow_many_sockets()
    uvloop.run(_run())
    sys.exit(0)
