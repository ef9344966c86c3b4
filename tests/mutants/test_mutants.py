"""The suite catches a line that breaks conservation, idempotency, the per-buyer limit or the deadline.

Each mutant is loaded into an engine of its own, where the suite's state machine and a scenario with real deadlines
are run. One of them must fail; with the functions as they are, both must pass.
"""

from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from dropcast.domain.trades import Expire, Granted, Refused
from dropcast.store import library
from dropcast.store.connection import ask
from dropcast.store.embedded import EmbeddedEngine
from tests.mutants import mutation
from tests.store.comparison import Engine
from tests.store.machine import ShowMachine
from tests.support import engines
from tests.support.engine import Stall, pay, release, reserve, sell
from tests.support.wait import wait_until

# As many as the quick suite runs, and no search for the smallest failure: that there is one is enough.
QUICK = settings(
    settings.get_profile("quick"),
    stateful_step_count=25,
    phases=(Phase.generate,),
    print_blob=False,
    report_multiple_bugs=False,
)


@pytest.fixture(scope="module")
def own_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Not the one that other tests share: it is given functions that are wrong."""
    with EmbeddedEngine(tmp_path_factory.mktemp("mutant"), binary=engines.binary()) as running:
        engine = Engine(running.url)
        yield engine
        engine.close()


async def load(engine: Engine, source: str) -> None:
    await ask(engine.client, "FLUSHALL")
    await ask(engine.client, "FUNCTION", "LOAD", "REPLACE", source)


def run_machine(engine: Engine) -> None:
    run_state_machine_as_test(type("OwnShowMachine", (ShowMachine,), {"engine": engine}), settings=QUICK)


async def run_scenario(engine: Engine) -> None:
    """A short sale with deadlines that come while one waits."""
    stall = await Stall(engine.client).open({"RED": 4}, limit=2, hold_ms=900)
    first = await stall.granted(reserve("h1", qty=2))
    refused = await stall.one(reserve("h2"))
    assert isinstance(refused, Refused), "more than the limit was granted"
    await stall.granted(reserve("h3", "ben"))
    await stall.trade(pay("h3", "ben"), sell("h3", "ben"))
    assert await stall.units() == (1, 2, 1, 4)
    assert await stall.audit() == []

    async def has_ended() -> bool:
        await stall.one(Expire())
        hold = await stall.shows.hold("friday", "h1")
        return hold is not None and not hold.state.is_open

    await wait_until(has_ended)
    entry = (await stall.journal())[-1]
    assert 0 <= entry.at_ms - first.hold.expires_at_ms < 1_000, "a hold ended before its deadline, or late"
    again = await stall.one(reserve("h1", qty=2))
    assert isinstance(again, Granted)
    assert again.hold.state.value == "expired", "a repeated key held twice"
    assert isinstance(await stall.one(release("h3", "ben")), Refused)
    assert await stall.units() == (3, 0, 1, 4)
    assert await stall.audit() == []


def test_there_are_four_mutants_and_each_changes_one_line() -> None:
    assert mutation.NAMES == ["conservation", "deadline", "idempotency", "limit"]
    for name in mutation.NAMES:
        before = library.SOURCE.splitlines()
        after = mutation.mutated(library.SOURCE, name).splitlines()
        assert len(set(before) - set(after)) + len(before) - len(after) <= 2
        assert before != after


def test_the_functions_as_they_are_pass(own_engine: Engine) -> None:
    own_engine.run(load(own_engine, library.SOURCE))
    run_machine(own_engine)
    own_engine.run(run_scenario(own_engine))


@pytest.mark.parametrize("name", mutation.NAMES)
def test_the_scenario_catches(own_engine: Engine, name: str) -> None:
    own_engine.run(load(own_engine, mutation.mutated(library.SOURCE, name)))
    with pytest.raises(AssertionError):
        own_engine.run(run_scenario(own_engine))


# No rule of the machine waits for a deadline, so that it cannot see the fourth.
@pytest.mark.parametrize("name", ["conservation", "idempotency", "limit"])
def test_the_state_machine_catches(own_engine: Engine, name: str) -> None:
    own_engine.run(load(own_engine, mutation.mutated(library.SOURCE, name)))
    with pytest.raises(AssertionError):
        run_machine(own_engine)
