"""`thaw` and `freeze` on a data directory without a server, and what `audit` notes beside its verdict."""

from pathlib import Path

import msgspec
import pytest

from dropcast.store.connection import ask
from dropcast.supervisor import Engine
from tests.cli.test_engine_commands import play, run, with_engine
from tests.support.engine import Stall, pay, reserve
from tests.support.keys import keys


def test_a_show_is_frozen_and_thawed_again(tmp_path: Path) -> None:
    play(tmp_path)
    said = [
        run(tmp_path, command, "friday").stdout for command in ("freeze", "freeze", "thaw", "thaw", "freeze")
    ]
    assert said == [
        "The sales of friday are frozen.\n",
        "The sales of friday were frozen already.\n",
        "The sales of friday go on; they were frozen (by an operator).\n",
        "The sales of friday were not frozen.\n",
        "The sales of friday are frozen.\n",
    ]
    told = run(tmp_path, "shows")
    assert "operator" in told.stdout
    assert f"dropcast thaw friday --data-dir {tmp_path}" in told.stderr


def test_a_thaw_may_be_the_first_to_find_that_history_was_lost(tmp_path: Path) -> None:
    play(tmp_path)

    async def lose(engine: Engine) -> None:
        await ask(engine.client, "HSET", keys.of_show("friday", "meta"), "run", "an engine that is gone")

    with_engine(tmp_path, lose)
    done = run(tmp_path, "thaw", "friday")
    assert done.stdout == "The sales of friday go on; they were frozen (history was lost).\n"
    assert run(tmp_path, "audit").stdout == "ok\n"


@pytest.mark.parametrize("command", ["freeze", "thaw"])
def test_a_show_that_is_unknown_or_over_is_named(tmp_path: Path, command: str) -> None:
    play(tmp_path)

    async def end(engine: Engine) -> None:
        await engine.shows.end("friday")

    with_engine(tmp_path, end)
    for show, error in (
        ("nobody", "Error: there is no show 'nobody'\n"),
        ("no/show", "Error: there is no show 'no/show'\n"),
        ("friday", "Error: show 'friday': the show has ended\n"),
    ):
        done = run(tmp_path, command, show)
        assert (done.exit_code, done.stdout, done.stderr) == (1, "", error)


def test_the_audit_notes_a_payment_that_may_stand_and_its_books_are_right_all_the_same(
    tmp_path: Path,
) -> None:
    play(tmp_path)

    async def pay_too_slowly(engine: Engine) -> None:
        stall = Stall(engine.client)
        await stall.trade(reserve("h3", "cem"), pay("h3", "cem", "a1"))
        await stall.make_due("h:h3")
        await stall.trade()

    with_engine(tmp_path, pay_too_slowly)
    done = run(tmp_path, "audit")
    assert (done.exit_code, done.stdout) == (0, "ok\n")
    assert done.stderr == (
        "Note: show friday: a payment may stand without a sale: hold h3 of viewer cem, 2900 minor units of EUR; the "
        "payment provider knows it as friday/h3/a1\n"
    )
    (found,) = msgspec.json.decode(run(tmp_path, "audit", "--json").stdout)["shows"]
    assert found["problems"] == []
    assert found["unsettled"] == [
        {"hold": "h3", "viewer": "cem", "key": "friday/h3/a1", "amount_minor": 2_900}
    ]
    assert (found["currency"], found["frozen"]) == ("EUR", "")


def test_the_audit_notes_frozen_sales_but_not_those_of_a_show_that_is_over(tmp_path: Path) -> None:
    play(tmp_path)
    run(tmp_path, "freeze", "friday")
    done = run(tmp_path, "audit")
    assert (done.exit_code, done.stdout) == (0, "ok\n")
    assert done.stderr.startswith(
        "Note: show friday: sales are frozen (by an operator); they go on by: dropcast thaw"
    )

    async def end(engine: Engine) -> None:
        await engine.shows.end("friday")

    with_engine(tmp_path, end)
    assert run(tmp_path, "audit").stderr == ""
