"""Contenders take turns; one that cannot take part is named, and is not asked again."""

from dropcast_bench.installed import command, is_here
from dropcast_bench.results import Figures
from dropcast_bench.rounds import Contender, play
from dropcast_bench.servers import ServerFault


def test_contenders_take_turns() -> None:
    said: list[str] = []
    results = play([Contender(name, lambda: {"x": 1}) for name in ("a", "b")], 2, said.append)
    assert said == ["round 1 of 2: a", "round 1 of 2: b", "round 2 of 2: a", "round 2 of 2: b"]
    assert results.values("a", "x") == [1, 1]
    assert results.left_out == {}


def test_one_that_fails_is_left_out_from_then_on() -> None:
    turns: list[int] = []

    def fails_in_the_second_round() -> Figures:
        turns.append(1)
        if len(turns) == 2:
            raise ServerFault("it died")
        return {"x": 1}

    results = play([Contender("a", fails_in_the_second_round)], 3, lambda text: None)
    assert len(turns) == 2
    assert results.left_out == {"a": "it died"}
    assert results.values("a", "x") == [1]


def test_one_whose_module_is_not_installed_is_never_started() -> None:
    def never() -> Figures:
        raise AssertionError("it was started")

    results = play([Contender("a", never, needs="no_such_module_anywhere")], 1, lambda text: None)
    assert results.left_out == {"a": "no_such_module_anywhere is not installed"}


def test_modules_and_commands_are_found() -> None:
    assert is_here("json")
    assert is_here("python3")
    assert command("no-such-command-anywhere") is None
