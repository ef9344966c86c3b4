"""A show under any sequence of commands: the engine against a plain model, and the books after every step."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from dropcast.store.embedded import EmbeddedEngine
from tests.store.driver import Driver
from tests.store.machine import ShowMachine


@pytest.mark.timeout(3_600)  # the profile decides how long it may take
def test_no_sequence_of_commands_loses_or_makes_a_unit(engine: EmbeddedEngine) -> None:
    shared = Driver(engine.url)
    machine = type("BoundShowMachine", (ShowMachine,), {"engine": shared})
    try:
        run_state_machine_as_test(machine, settings=settings(settings(), stateful_step_count=30))
    finally:
        shared.close()
