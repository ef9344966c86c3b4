"""Who asked for a hold is known until its publication has come, and not for longer."""

from redis.asyncio import Redis

from dropcast.domain.faults import Fault
from dropcast.domain.trades import Outcome
from dropcast.domain.viewer import Role, Viewer
from dropcast.service.askers import Askers
from dropcast.wire.commands import Reserve
from tests.service.conftest import Parts
from tests.support.engine import Stall
from tests.support.recorder import Recorder
from tests.support.wait import wait_until

ANA = Viewer(id="ana", role=Role.VIEWER)


def a_reserve(number: int, key: str, sku: str = "RED") -> Reserve:
    return Reserve(id=number, show="friday", drop="d1", sku=sku, qty=1, key=key)


async def test_a_reserve_that_is_repeated_on_an_open_hold_leaves_nothing_behind(
    parts: Parts, stall: Stall, client: Redis
) -> None:
    live = await parts.stage.enter(stall.show)
    trading = parts.trading
    answers: list[Outcome | Fault] = []
    trading.reserve(Recorder(), ANA, a_reserve(1, "key"), answers.append)
    await wait_until(lambda: len(answers) == 1)
    for number in range(2, 30):
        trading.reserve(Recorder(), ANA, a_reserve(number, "key"), answers.append)
    trading.reserve(Recorder(), ANA, a_reserve(30, "other", "NONE"), answers.append)
    await wait_until(lambda: len(answers) == 30)
    await wait_until(lambda: len(live.asked) == 0)


async def test_the_socket_that_reserved_is_not_told_twice_whichever_comes_first(
    parts: Parts, stall: Stall
) -> None:
    live = await parts.stage.enter(stall.show)
    asker, other = Recorder(), Recorder()
    live.room.join(asker, "ana")
    live.room.join(other, "ana")
    trading = parts.trading
    answers: list[Outcome | Fault] = []
    trading.reserve(asker, ANA, a_reserve(1, "key"), answers.append)
    await wait_until(lambda: answers and other.of_type("hold_placed"))
    assert asker.of_type("hold_placed") == []
    assert len(live.asked) == 0


def test_a_reply_before_the_publication_keeps_the_entry_until_it_comes() -> None:
    askers, member = Askers(), Recorder()
    askers.come_to(5)
    askers.ask("h1", member)
    askers.answered("h1", 6)
    assert askers.told("h1") is member
    askers.ask("h2", member)
    askers.answered("h2", 7)
    askers.come_to(6)
    assert len(askers) == 1
    askers.come_to(7)
    assert len(askers) == 0


def test_a_reply_to_what_was_there_before_or_was_refused_takes_the_entry_out() -> None:
    askers, member = Askers(), Recorder()
    askers.come_to(5)
    for hold, offset in (("h1", 5), ("h2", 3), ("h3", None)):
        askers.ask(hold, member)
        askers.answered(hold, offset)
    assert len(askers) == 0


def test_another_history_forgets_them_all() -> None:
    askers = Askers()
    askers.come_to(9)
    askers.ask("h1", Recorder())
    askers.answered("h1", 12)
    askers.forget()
    assert len(askers) == 0
    askers.ask("h2", Recorder())
    askers.answered("h2", 2)
    askers.come_to(2)
    assert len(askers) == 0
