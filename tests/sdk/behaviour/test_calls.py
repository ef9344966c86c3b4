"""What every shell does with the calls that it is asked to make."""

from typing import Any

import pytest

from dropcast_client import CallError, Disconnected, Held, OutcomeUnknown, Refused, Sold
from dropcast_client.commands import Reserve
from tests.sdk.behaviour.conftest import NewPlayer
from tests.sdk.behaviour.players import Player
from tests.sdk.behaviour.stage import Stage
from tests.sdk.behaviour.test_connection import an_error, both_codecs
from tests.sdk.worker import SHOW, Message, hold_view

BUY: dict[str, Any] = {"show": SHOW, "drop": "drop-1", "sku": "cap-red"}


@both_codecs
def test_a_hold_is_bought(stage: Stage, player: Player) -> None:
    sold = {
        "type": "sold",
        "show": SHOW,
        "offset": 3,
        "hold": "h-k1",
        "order": "oh-k1",
        "amount_minor": 1_900,
    }
    stage.answer("checkout", lambda command: sold)
    held = player.ask("reserve", **BUY, key="k1")
    assert isinstance(held, Held)
    assert [hold.hold for hold in player.client.holds(SHOW)] == ["h-k1"]
    assert isinstance(player.ask("checkout", show=SHOW, hold=held.hold, payment="tok"), Sold)
    assert player.client.holds(SHOW) == ()


@pytest.mark.parametrize(
    "reason", ["sold_out", "frozen", "not_open", "muted", "banned", "of a later version"]
)
def test_a_refusal_is_a_value(stage: Stage, player: Player, reason: str) -> None:
    stage.answer("reserve", lambda command: {"type": "refused", "show": SHOW, "offset": 3, "reason": reason})
    refused = player.ask("reserve", **BUY)
    assert isinstance(refused, Refused)
    assert refused.reason == reason


@pytest.mark.parametrize(("code", "temporary"), [("not_found", False), ("rate_limited", True)])
def test_an_error_is_raised(stage: Stage, player: Player, code: str, temporary: bool) -> None:
    stage.answer("reserve", lambda command: an_error(code, temporary=temporary))
    with pytest.raises(CallError, match=f"{code}!") as caught:
        player.ask("reserve", **BUY)
    assert (caught.value.code, caught.value.temporary) == (code, temporary)
    assert not caught.value.outcome_unknown


def test_what_hosts_and_operators_say(stage: Stage, player: Player) -> None:
    window = {"opens_at_ms": 2_000, "closes_at_ms": 9_000, "reveal_at_ms": 1_000}
    said: list[tuple[str, dict[str, Any]]] = [
        ("pin", {"product": "cap", "units": {"cap-red": 5}, "key": "k1", **window}),
        ("pin", {"product": "cap", "units": {"cap-red": 5}, "key": "k2"}),
        ("update", {"drop": "d", "add_units": {"cap-red": -1}, "key": "k3"}),
        ("unpin", {"drop": "d", "key": "k4"}),
        ("announce", {"text": "hello", "data": {"a": [1]}, "key": "k5"}),
        ("mute", {"viewer": "mallory"}),
        ("mute", {"viewer": "mallory", "mute": False}),
        ("ban", {"viewer": "mallory"}),
        ("ban", {"viewer": "mallory", "ban": False}),
        ("freeze", {}),
        ("thaw", {}),
    ]
    for call, fields in said:
        player.ask(call, show=SHOW, **fields)
    heard = [{name: command[name] for name in command if name != "id"} for command in stage.worker.heard[1:]]
    assert heard == [{"type": call, "show": SHOW, **fields} for call, fields in said]


def test_each_call_without_a_key_has_one_of_its_own(stage: Stage, player: Player) -> None:
    begun = [player.begin("reserve", **BUY) for _ in range(10)]
    assert all(isinstance(promise.result(), Held) for promise in begun)
    assert len({command["key"] for command in stage.worker.heard_of("reserve")}) == 10


def test_without_an_answer_in_time_the_outcome_is_unknown(stage: Stage, player: Player) -> None:
    stage.answer("reserve", lambda command: None)
    with pytest.raises(OutcomeUnknown) as caught:
        player.ask("reserve", **BUY, key="k1", timeout_s=0.05)
    assert isinstance(caught.value.command, Reserve)
    assert caught.value.command.key == "k1"


def test_a_call_under_way_survives_a_cut_with_the_same_key(stage: Stage, player: Player) -> None:
    def cut_the_first(command: Message) -> Message | None:
        if len(stage.worker.heard_of("reserve")) == 1:
            stage.worker.cut_sockets()
            return None
        return {"type": "held", "show": SHOW, "offset": 3, **hold_view()}

    stage.answer("reserve", cut_the_first)
    assert isinstance(player.ask("reserve", **BUY), Held)
    first, second = stage.heard("reserve", 2)
    assert first == second


def test_a_call_about_a_show_waits_until_that_is_watched_again(stage: Stage, player: Player) -> None:
    player.subscribe(SHOW).ready()
    stage.answer("watch", lambda command: None)
    stage.answer("reserve", lambda command: None)
    promise = player.begin("reserve", **BUY)
    stage.heard("reserve")
    stage.cut()
    stage.heard("watch", 2)
    stage.answer("reserve", lambda command: {"type": "held", "show": SHOW, "offset": 3, **hold_view()})
    assert len(stage.worker.heard_of("reserve")) == 1
    # A ban while the watch is under way: it will not be answered, and the call need not wait for it.
    stage.say({"type": "banned", "show": SHOW})
    assert isinstance(promise.result(), Held)


def test_closing_tells_calls_under_way_that_their_outcome_is_unknown(stage: Stage, player: Player) -> None:
    stage.answer("reserve", lambda command: None)
    promise = player.begin("reserve", **BUY)
    stage.heard("reserve")
    player.close()
    with pytest.raises(OutcomeUnknown):
        promise.result()


def test_a_call_that_could_not_be_sent_says_so(stage: Stage, player_of: NewPlayer) -> None:
    player = player_of(stage.url)
    player.connect()
    stage.answer("hello", lambda command: None)
    stage.cut()
    stage.heard("hello", 2)
    with pytest.raises(Disconnected):
        player.ask("reserve", **BUY, timeout_s=0.02)
    assert stage.worker.heard_of("reserve") == []
