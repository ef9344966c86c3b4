"""The trade desk: implements the port TradeDesk. Trades that gather while calls are under way ride in the next one.

Sessions submit trades and are called back. There are two calls under way per show at most, and no timer: a batch is
what has gathered, so it grows with the load. One call is one fsync. With one call at a time worker and engine would
wait for each other in turn; with two the engine works on one while the worker answers the other.
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
CALLS_MAX = 2

Answer = Callable[[Outcome | Fault], None]


class _Line:
    """The trades of one show."""

    __slots__ = ("answered", "carried", "is_leaving", "queue", "under_way")

    def __init__(self) -> None:
        self.queue: deque[tuple[Trade, Answer]] = deque()
        self.is_leaving = False
        """Whether a call is about to be made with what has gathered."""
        self.under_way = 0
        self.carried = 0
        """How many trades the call has that left last."""
        self.answered: asyncio.Future[None] | None = None
        """Done when everything in the call that left last is answered."""


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
        calls_max: int = CALLS_MAX,
    ) -> None:
        """`engine` carries calls out in the order in which they are made."""
        self._engine = engine
        self._holds_per_viewer_max = holds_per_viewer_max
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._calls_max = calls_max
        self._lines: dict[str, _Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, show: str, trade: Trade, done: Answer) -> None:
        """Queue one trade. `done` is called exactly once, from the event loop, in the order of submission.

        Only a trade that finds the queue full is answered out of order, at the loop's next turn.
        """
        line = self._lines.get(show)
        if line is None:
            line = self._lines[show] = _Line()
        if len(line.queue) >= self._queue_max:
            asyncio.get_running_loop().call_soon(done, EngineFault("too many trades are waiting"))
            return
        line.queue.append((trade, done))
        if not line.is_leaving:
            self._leave(show, line)

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
        return sum(len(line.queue) for line in self._lines.values())

    async def close(self) -> None:
        """Wait until everything that was submitted is answered."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _leave(self, show: str, line: _Line) -> None:
        """Have a call leave at the loop's next turn, if one should.

        The first leaves with whatever there is. Another one leaves beside it when as many wait as that one carries:
        a few at a time would cost as many calls, and the one that is under way will be back soon.
        """
        if line.is_leaving or line.under_way >= self._calls_max:
            return
        if len(line.queue) >= (line.carried if line.under_way else 1):
            line.is_leaving = True
            task = asyncio.get_running_loop().create_task(self._call(show, line))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _call(self, show: str, line: _Line) -> None:
        queue = line.queue
        batch = [queue.popleft() for _ in range(min(len(queue), self._batch_max))]
        line.is_leaving = False
        line.under_way += 1
        line.carried = len(batch)
        before, line.answered = line.answered, asyncio.get_running_loop().create_future()
        answered = line.answered
        self._leave(show, line)
        try:
            trades = [trade for trade, _ in batch]
            began_s = perf_counter()
            outcomes = await self._carry_out(show, trades)
            if before is not None:
                await before
            counts.traded(trades, outcomes, began_s)
            for (_, done), outcome in zip(batch, outcomes, strict=True):
                try:
                    done(outcome)
                except Exception:
                    logger.exception("show %s: whoever waited for a trade failed on its outcome", show)
        finally:
            answered.set_result(None)
            line.under_way -= 1
            self._leave(show, line)
            if not line.under_way and not line.is_leaving:
                del self._lines[show]

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
