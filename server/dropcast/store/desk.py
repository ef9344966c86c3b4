"""The trade desk: implements the port TradeDesk. Trades that gather while a call is under way ride in the next one.

Sessions submit trades and are called back. There is one call in flight per show and no timer: a batch is what has
gathered, so it grows with the load. One call is one fsync.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Protocol

from dropcast.domain.faults import EngineFault, EngineFull, Fault
from dropcast.domain.trades import Outcome, Reserve, Trade
from dropcast.metrics import counts

logger = logging.getLogger(__name__)

BATCH_MAX = 512
QUEUE_MAX = 100_000

Answer = Callable[[Outcome | Fault], None]
_Queue = deque[tuple[Trade, Answer]]


class TradeEngine(Protocol):
    """What the desk needs of the engine; Shows has it."""

    async def trade(self, show: str, trades: Sequence[Trade], holds_per_viewer_max: int) -> list[Outcome]: ...

    async def settle(
        self, show: str, trades: Sequence[Trade], holds_per_viewer_max: int
    ) -> list[Outcome]: ...


class Desk:
    """Implements TradeDesk."""

    def __init__(
        self,
        engine: TradeEngine,
        *,
        holds_per_viewer_max: int,
        batch_max: int = BATCH_MAX,
        queue_max: int = QUEUE_MAX,
    ) -> None:
        self._engine = engine
        self._holds_per_viewer_max = holds_per_viewer_max
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._queues: dict[str, _Queue] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def submit(self, show: str, trade: Trade, done: Answer) -> None:
        """Queue one trade. `done` is called exactly once, from the event loop, in the order of submission.

        Only a trade that finds the queue full is answered out of order, at the loop's next turn.
        """
        queue = self._queues.get(show)
        if queue is None:
            queue = self._queues[show] = deque()
            self._tasks[show] = asyncio.get_running_loop().create_task(self._work(show, queue))
        if len(queue) >= self._queue_max:
            asyncio.get_running_loop().call_soon(done, EngineFault("too many trades are waiting"))
            return
        queue.append((trade, done))

    async def trade(self, show: str, trade: Trade) -> Outcome:
        """Submit one trade and wait for its outcome. Raises the Fault."""
        future: asyncio.Future[Outcome | Fault] = asyncio.get_running_loop().create_future()

        def done(outcome: Outcome | Fault) -> None:
            if not future.done():
                future.set_result(outcome)

        self.submit(show, trade, done)
        outcome = await future
        if isinstance(outcome, Fault):
            raise outcome
        return outcome

    @property
    def waiting(self) -> int:
        """How many trades wait for the next engine call of their show."""
        return sum(map(len, self._queues.values()))

    async def close(self) -> None:
        """Wait until everything that was submitted is answered."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def _work(self, show: str, queue: _Queue) -> None:
        try:
            while queue:
                batch = [queue.popleft() for _ in range(min(len(queue), self._batch_max))]
                trades = [trade for trade, _ in batch]
                began_s = perf_counter()
                outcomes = await self._carry_out(show, trades)
                counts.traded(trades, outcomes, began_s)
                for (_, done), outcome in zip(batch, outcomes, strict=True):
                    try:
                        done(outcome)
                    except Exception:
                        logger.exception("show %s: whoever waited for a trade failed on its outcome", show)
        finally:
            del self._queues[show], self._tasks[show]

    async def _carry_out(self, show: str, trades: Sequence[Trade]) -> Sequence[Outcome | Fault]:
        """Return one outcome for each trade, a fault where the engine failed. Nothing is asked twice, except
        after EngineFull, which changed nothing."""
        try:
            if not any(isinstance(trade, Reserve) for trade in trades):
                return await self._settle(show, trades)
            try:
                return await self._engine.trade(show, trades, self._holds_per_viewer_max)
            except EngineFull as full:
                settling = [trade for trade in trades if not isinstance(trade, Reserve)]
                settled = iter(await self._settle(show, settling)) if settling else iter(())
                return [full if isinstance(trade, Reserve) else next(settled) for trade in trades]
        except Fault as fault:
            return [fault] * len(trades)
        except Exception as error:
            logger.exception("show %s: a batch of %d trades failed", show, len(trades))
            unreadable = EngineFault("the engine's answer could not be read")
            unreadable.__cause__ = error
            return [unreadable] * len(trades)

    async def _settle(self, show: str, trades: Sequence[Trade]) -> Sequence[Outcome]:
        return await self._engine.settle(show, trades, self._holds_per_viewer_max)
