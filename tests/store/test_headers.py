"""The headers in functions.lua, the bindings in functions.py and the keys in keys.py say the same."""

import inspect
import re
from typing import Any, NamedTuple

import pytest

from dropcast.domain.faults import EngineFault
from dropcast.store import answers, library
from dropcast.store.functions import Functions
from dropcast.store.keys import SHOW_KEYS
from tests.support.keys import keys


class Header(NamedTuple):
    keys: str
    args: list[str]


_BLOCK = re.compile(
    r"^-- dropcast_(?P<name>\w+)(?P<about>.*(?:\n-- .*)*?)\n-- KEYS(?P<keys>.*)\n-- ARGV(?P<args>.*)\n-- returns ",
    re.MULTILINE,
)
HEADERS = {
    found["name"]: Header(found["keys"].strip(), found["args"].split())
    for found in _BLOCK.finditer(library.SOURCE)
}
REGISTERED = re.findall(r"^register\('(\w+)'", library.SOURCE, re.MULTILINE)
BINDINGS = {name: method for name, method in vars(Functions).items() if not name.startswith("_")}


def name_of(argument: str) -> str:
    """Return the name of an argument that may stand for several: `before...`."""
    return argument.removesuffix("...")


def test_every_function_has_a_header_and_a_binding() -> None:
    assert sorted(HEADERS) == sorted(REGISTERED) == sorted(BINDINGS)


@pytest.mark.parametrize("name", HEADERS)
def test_a_binding_takes_what_the_header_names(name: str) -> None:
    header = HEADERS[name]
    subject = {"of a show": ["show"], "lease": ["name"], "": []}[header.keys]
    parameters = list(inspect.signature(BINDINGS[name]).parameters.values())[1:]
    assert [parameter.name for parameter in parameters] == [*subject, *map(name_of, header.args)]
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters[len(subject) :])


class Sent(Exception):
    """Raised instead of an answer."""


class RecordingClient:
    async def execute_command(self, *command: Any) -> Any:
        raise Sent(*command)


@pytest.mark.parametrize("name", HEADERS)
async def test_a_binding_sends_its_arguments_in_the_order_of_the_header(name: str) -> None:
    client: Any = RecordingClient()
    header = HEADERS[name]
    subject = {"of a show": ("friday",), "lease": ("sweeper",), "": ()}[header.keys]
    sent_keys = {
        "of a show": keys.all_of_show("friday"),
        "lease": (keys.lease("sweeper"),),
        "": (),
    }[header.keys]
    values: dict[str, Any] = {argument: f"<{argument}>" for argument in header.args}
    sent_values = [b"\xa8<trades>" if argument == "trades" else values[argument] for argument in header.args]
    if "before..." in header.args:
        values, sent_values = {"before": ("one", "two")}, ["one", "two"]
    with pytest.raises(Sent) as sent:
        await getattr(Functions(client, keys, client), name)(*subject, **values)
    assert sent.value.args == ("FCALL", f"dropcast_{name}", len(sent_keys), *sent_keys, *sent_values)


def test_the_keys_of_a_show_are_named_in_the_same_order() -> None:
    (line,) = re.findall(r"^--   (meta drops .*)$", library.SOURCE, re.MULTILINE)
    assert tuple(line.split()) == SHOW_KEYS
    documented = re.findall(r"^--   (\w+) +(?:hash|zset|stream|channel) ", library.SOURCE, re.MULTILINE)
    assert tuple(documented) == SHOW_KEYS


def test_every_code_that_a_function_answers_has_a_sentence() -> None:
    codes = set(re.findall(r"pack\(\{'(\w+)'", library.SOURCE)) - {"ok"}
    assert codes == set(answers._FAULTS)


def test_only_what_gives_back_closes_or_tells_works_with_full_memory() -> None:
    found = re.findall(r"^register\('(\w+)', \w+, 'allow-oom'\)$", library.SOURCE, re.MULTILINE)
    assert set(found) == {"end", "unpin", "freeze", "mute", "ban", "settle", "beat", "lease", "adopt"}


def test_an_unknown_code_is_a_fault_and_not_an_answer() -> None:
    with pytest.raises(EngineFault, match="'new_code'"):
        answers.raise_refusal(b"\x91\xa8new_code")
