"""The table of what may be said: every command has a rule, and nothing passes that should not."""

import pytest

from dropcast.domain.viewer import ANONYMOUS, Role, Viewer
from dropcast.edge.session import RULES, State, refuse
from dropcast.wire import commands
from dropcast.wire.commands import Command

NOW_S = 1_000.0
VIEWER = Viewer(id="ana", role=Role.VIEWER, expires_at_s=2_000)
CREATOR = Viewer(id="cleo", role=Role.CREATOR, expires_at_s=2_000)
HELLO = commands.Hello(id=1)
WATCH = commands.Watch(id=2, show="s")
RESERVE = commands.Reserve(id=3, show="s", drop="d", sku="A", qty=1, key="k")
UNPIN = commands.Unpin(id=4, show="s", drop="d", key="k")


def test_every_command_has_a_rule() -> None:
    assert set(RULES) == set(Command.__args__)


@pytest.mark.parametrize("command", [WATCH, RESERVE, UNPIN])
def test_hello_comes_first(command: Command) -> None:
    refusal = refuse(State.NEW, ANONYMOUS, command, NOW_S)
    assert refusal is not None
    assert refusal.code == "hello_first"


def test_hello_comes_once() -> None:
    refusal = refuse(State.OPEN, VIEWER, HELLO, NOW_S)
    assert refusal is not None
    assert refusal.code == "hello_twice"


def test_an_anonymous_viewer_may_watch_but_not_buy() -> None:
    assert refuse(State.OPEN, ANONYMOUS, WATCH, NOW_S) is None
    refusal = refuse(State.OPEN, ANONYMOUS, RESERVE, NOW_S)
    assert refusal is not None
    assert refusal.code == "unauthorized"


def test_a_viewer_may_buy_but_not_pin() -> None:
    assert refuse(State.OPEN, VIEWER, RESERVE, NOW_S) is None
    refusal = refuse(State.OPEN, VIEWER, UNPIN, NOW_S)
    assert refusal is not None
    assert refusal.code == "forbidden"


def test_a_creator_may_both() -> None:
    assert refuse(State.OPEN, CREATOR, RESERVE, NOW_S) is None
    assert refuse(State.OPEN, CREATOR, UNPIN, NOW_S) is None


def test_an_expired_token_watches_on_but_buys_no_more() -> None:
    assert refuse(State.OPEN, VIEWER, WATCH, 2_000.0) is None
    refusal = refuse(State.OPEN, VIEWER, RESERVE, 2_000.0)
    assert refusal is not None
    assert refusal.code == "token_expired"


def test_a_viewer_whose_token_has_expired_is_told_to_renew_it() -> None:
    watch = commands.Watch(id=1, show="x")
    freeze = commands.Freeze(id=1, show="x")
    assert refuse(State.OPEN, ANONYMOUS, watch, 0.0, had_token=True) is None
    for had_token, code in ((True, "token_expired"), (False, "unauthorized")):
        refusal = refuse(State.OPEN, ANONYMOUS, freeze, 0.0, had_token=had_token)
        assert refusal is not None
        assert refusal.code == code


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CREATOR, Role.MODERATOR])
def test_only_operators_freeze_and_thaw(role: Role) -> None:
    for command in (commands.Freeze(id=1, show="x"), commands.Thaw(id=1, show="x")):
        refusal = refuse(State.OPEN, Viewer(id="v", role=role), command, 0.0)
        assert refusal is not None
        assert refusal.code == "forbidden"
        assert refuse(State.OPEN, Viewer(id="v", role=Role.OPERATOR), command, 0.0) is None
