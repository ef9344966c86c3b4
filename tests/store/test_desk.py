"""The trade desk: what gathers rides together, answers keep their order, and nobody is left without one."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from dropcast.domain.faults import EngineAway, EngineFault, EngineFull, Fault, NotFound
from dropcast.domain.hold import Hold, HoldState
from dropcast.domain.trades import Expire, Granted, Invalid, Outcome, Problem, Release, Reserve, Trade
from dropcast.store.desk import CALLS_MAX, Desk
from tests.support.engine import Stall, release, reserve
from tests.support.wait import wait_until

Call = tuple[str, str, Sequence[Trade]]


def grant_all(_: str, trades: Sequence[Trade]) -> list[Outcome]:
    return [granted(trade) for trade in trades]


class SlowEngine:
    """A recording double: answers a call when the test lets it, by default with every trade granted."""

    def __init__(
        self, answer: Callable[[str, Sequence[Trade]], Sequence[Outcome] | Exception] | None = None
    ) -> None:
        self.calls: list[Call] = []
        self.under_way: Counter[str] = Counter()
        self.gate = asyncio.Event()
        self._answer = answer if answer is not None else grant_all

    async def trade(self, show: str, trades: Sequence[Trade], holds_per_viewer_max: int) -> list[Outcome]:
        return await self._call("trade", show, trades)

    async def settle(self, show: str, trades: Sequence[Trade], holds_per_viewer_max: int) -> list[Outcome]:
        return await self._call("settle", show, trades)

    async def _call(self, function: str, show: str, trades: Sequence[Trade]) -> list[Outcome]:
        self.calls.append((function, show, list(trades)))
        self.under_way[show] += 1
        assert self.under_way[show] <= CALLS_MAX
        await self.gate.wait()
        self.under_way[show] -= 1
        answer = self._answer(function, trades)
        if isinstance(answer, Exception):
            raise answer
        return list(answer)


def granted(trade: Trade) -> Granted:
    name = trade.hold if isinstance(trade, Reserve | Release) else ""
    return Granted(Hold(name, "ana", "d1", "RED", 1, HoldState.HELD, 0, 0), 1)


def holds_in(call: Call) -> list[str]:
    return [granted(trade).hold.id for trade in call[2]]


async def test_trades_that_gather_while_calls_are_under_way_ride_in_the_next_one() -> None:
    engine = SlowEngine()
    desk = Desk(engine, holds_per_viewer_max=5)
    answers: list[str] = []

    def submit(*names: str) -> None:
        for name in names:
            desk.submit("friday", reserve(name), lambda outcome: answers.append(outcome.hold.id))  # type: ignore[union-attr]

    submit("a", "b")
    await wait_until(lambda: engine.calls)
    submit("c", "d", "e")
    await wait_until(lambda: len(engine.calls) == 2)
    submit("f", "g")
    await asyncio.sleep(0)
    assert len(engine.calls) == CALLS_MAX == 2
    engine.gate.set()
    await desk.close()
    assert [holds_in(call) for call in engine.calls] == [["a", "b"], ["c", "d", "e"], ["f", "g"]]
    assert answers == ["a", "b", "c", "d", "e", "f", "g"]


async def test_a_second_call_leaves_when_as_many_wait_as_the_first_one_carries() -> None:
    engine = SlowEngine()
    desk = Desk(engine, holds_per_viewer_max=5)
    waiting = [asyncio.create_task(desk.trade("friday", reserve(name))) for name in "abc"]
    await wait_until(lambda: engine.calls)
    waiting += [asyncio.create_task(desk.trade("friday", reserve(name))) for name in "de"]
    await wait_until(lambda: desk.waiting == 2)
    await asyncio.sleep(0)
    assert len(engine.calls) == 1
    waiting.append(asyncio.create_task(desk.trade("friday", reserve("f"))))
    await wait_until(lambda: len(engine.calls) == 2)
    engine.gate.set()
    await asyncio.gather(*waiting)
    assert [holds_in(call) for call in engine.calls] == [["a", "b", "c"], ["d", "e", "f"]]


async def test_answers_keep_their_order_though_a_later_call_is_done_first() -> None:
    """As when the first finds the engine's memory full, and settles what is no reserve by a call of its own."""
    answers: list[str] = []
    gates = {"a": asyncio.Event(), "b": asyncio.Event()}

    class Engine(SlowEngine):
        async def trade(self, show: str, trades: Sequence[Trade], holds_per_viewer_max: int) -> list[Outcome]:
            self.calls.append(("trade", show, trades))
            await gates[granted(trades[0]).hold.id].wait()
            return grant_all(show, trades)

    engine = Engine()
    desk = Desk(engine, holds_per_viewer_max=5)
    for name in gates:
        desk.submit("friday", reserve(name), lambda outcome: answers.append(outcome.hold.id))  # type: ignore[union-attr]
        await wait_until(lambda name=name: any(holds_in(call) == [name] for call in engine.calls))  # type: ignore[misc]
    gates["b"].set()
    await asyncio.sleep(0)
    assert answers == []
    gates["a"].set()
    await desk.close()
    assert answers == ["a", "b"]


async def test_a_batch_has_a_limit_and_the_rest_follows_in_order() -> None:
    engine = SlowEngine()
    engine.gate.set()
    desk = Desk(engine, holds_per_viewer_max=5, batch_max=4)
    outcomes = await asyncio.gather(*(desk.trade("friday", reserve(f"h{number}")) for number in range(10)))
    assert [len(call[2]) for call in engine.calls] == [4, 4, 2]
    assert [outcome.hold.id for outcome in outcomes if isinstance(outcome, Granted)] == [
        f"h{number}" for number in range(10)
    ]


async def test_shows_do_not_wait_for_each_other() -> None:
    engine = SlowEngine()
    desk = Desk(engine, holds_per_viewer_max=5)
    waiting = [asyncio.create_task(desk.trade(show, reserve("h"))) for show in ("friday", "sunday")]
    await wait_until(lambda: len(engine.calls) == 2)
    engine.gate.set()
    await asyncio.gather(*waiting)


async def test_a_batch_without_reserves_goes_to_settle() -> None:
    engine = SlowEngine()
    engine.gate.set()
    desk = Desk(engine, holds_per_viewer_max=5)
    await asyncio.gather(desk.trade("friday", release("a")), desk.trade("friday", Expire()))
    await asyncio.gather(desk.trade("friday", release("a")), desk.trade("friday", reserve("b")))
    assert [call[0] for call in engine.calls] == ["settle", "trade"]


async def test_when_memory_is_full_only_the_reserves_fail() -> None:
    def full(function: str, trades: Sequence[Trade]) -> list[Outcome] | Exception:
        return EngineFull("full") if function == "trade" else [granted(trade) for trade in trades]

    engine = SlowEngine(full)
    engine.gate.set()
    desk = Desk(engine, holds_per_viewer_max=5)
    answers: list[Outcome | Fault] = []
    for trade in (reserve("a"), release("b"), reserve("c"), release("d")):
        desk.submit("friday", trade, answers.append)
    await desk.close()
    assert [type(answer) for answer in answers] == [EngineFull, Granted, EngineFull, Granted]
    assert [holds_in(call) for call in engine.calls] == [["a", "b", "c", "d"], ["b", "d"]]


async def test_when_memory_is_full_and_there_is_nothing_to_settle_nothing_more_is_asked() -> None:
    engine = SlowEngine(lambda _, trades: EngineFull("full"))
    engine.gate.set()
    with pytest.raises(EngineFull):
        await Desk(engine, holds_per_viewer_max=5).trade("friday", reserve("a"))
    assert len(engine.calls) == 1


@pytest.mark.parametrize("fault", [EngineAway("gone"), EngineFault("broken"), NotFound("no such show")])
async def test_a_fault_is_the_answer_of_the_whole_batch_and_nothing_is_asked_again(fault: Fault) -> None:
    engine = SlowEngine(lambda _, trades: fault)
    engine.gate.set()
    desk = Desk(engine, holds_per_viewer_max=5)
    answers: list[Outcome | Fault] = []
    for trade in (reserve("a"), release("b")):
        desk.submit("friday", trade, answers.append)
    await desk.close()
    assert answers == [fault, fault]
    assert len(engine.calls) == 1


async def test_an_answer_that_cannot_be_read_is_a_fault_and_the_desk_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = iter([ValueError("bad bytes")])
    engine = SlowEngine(lambda _, trades: next(answers, None) or [granted(trade) for trade in trades])
    engine.gate.set()
    desk = Desk(engine, holds_per_viewer_max=5)
    with pytest.raises(EngineFault, match="could not be read"):
        await desk.trade("friday", reserve("a"))
    assert isinstance(await desk.trade("friday", reserve("a")), Granted)
    assert "bad bytes" in caplog.text


async def test_whoever_fails_on_an_answer_does_not_keep_it_from_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = SlowEngine()
    engine.gate.set()
    desk = Desk(engine, holds_per_viewer_max=5)
    answers: list[Outcome | Fault] = []

    def fail(outcome: Outcome | Fault) -> None:
        raise RuntimeError("socket is gone")

    desk.submit("friday", reserve("a"), fail)
    desk.submit("friday", reserve("b"), answers.append)
    await desk.close()
    assert [answer.hold.id for answer in answers if isinstance(answer, Granted)] == ["b"]
    assert "socket is gone" in caplog.text


async def test_a_queue_that_is_full_answers_with_a_fault() -> None:
    engine = SlowEngine()
    desk = Desk(engine, holds_per_viewer_max=5, queue_max=2)
    answers: list[Outcome | Fault] = []
    for number in range(3):
        desk.submit("friday", reserve(f"h{number}"), answers.append)
    await wait_until(lambda: answers)
    assert [type(answer) for answer in answers] == [EngineFault]
    engine.gate.set()
    await desk.close()
    assert [type(answer) for answer in answers] == [EngineFault, Granted, Granted]


async def test_who_stops_waiting_does_not_disturb_the_desk() -> None:
    engine = SlowEngine()
    desk = Desk(engine, holds_per_viewer_max=5)
    waiting = asyncio.create_task(desk.trade("friday", reserve("a")))
    await wait_until(lambda: engine.calls)
    waiting.cancel()
    other = asyncio.create_task(desk.trade("friday", reserve("b")))
    engine.gate.set()
    assert isinstance(await other, Granted)
    await desk.close()


async def test_many_buyers_at_the_real_engine_never_get_more_than_there_is(stall: Stall) -> None:
    desk = Desk(stall.shows, holds_per_viewer_max=5)
    outcomes = await asyncio.gather(
        *(desk.trade("friday", reserve(f"h{number}", f"v{number}")) for number in range(200))
    )
    assert sum(isinstance(outcome, Granted) for outcome in outcomes) == 3
    assert await desk.trade("nowhere", reserve("h")) == Invalid(Problem.UNKNOWN_SHOW)
    with pytest.raises(NotFound):
        await desk.trade("no}where", reserve("h"))
    assert await stall.audit() == []
