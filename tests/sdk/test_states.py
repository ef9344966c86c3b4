"""The one table of transitions, and its copy in the spec."""

import re
from pathlib import Path

import pytest

from dropcast_client.codes import Local
from dropcast_client.states import TRANSITIONS, Connection, Phase, Trigger

SPEC = Path(__file__).parents[2] / "client_sdk" / "spec" / "states.md"


def spec_table() -> dict[tuple[str, str], str]:
    rows = re.findall(r"^\| (\w+) \| (\w+) \| (\w+) \|", SPEC.read_text(encoding="utf-8"), re.MULTILINE)
    return {(state, trigger): then for state, trigger, then in rows if state in set(Phase)}


def test_the_specs_table_is_the_sdks() -> None:
    assert spec_table() == {
        (phase.value, trigger.value): then.value for (phase, trigger), then in TRANSITIONS.items()
    }


def test_the_spec_lists_every_code_of_the_sdk() -> None:
    listed = re.findall(r"^\| (\d) \| (\w+) \|", SPEC.read_text(encoding="utf-8"), re.MULTILINE)
    assert {int(code): name for code, name in listed} == {code.value: code.name for code in Local}


@pytest.mark.parametrize(("phase", "trigger"), [(phase, trigger) for phase in Phase for trigger in Trigger])
def test_what_is_not_in_the_table_cannot_happen(phase: Phase, trigger: Trigger) -> None:
    before = Connection(phase, 0, "")
    if (phase, trigger) in TRANSITIONS:
        assert before.after(trigger, 7, "why") == (TRANSITIONS[phase, trigger], 7, "why")
    else:
        with pytest.raises(ValueError, match="does not apply"):
            before.after(trigger, 7, "why")
