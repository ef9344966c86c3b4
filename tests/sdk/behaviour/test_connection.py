"""What every shell does with its connection."""

import time

import pytest

from dropcast_client import Disconnected, Local, Phase
from tests.sdk.behaviour.conftest import NewPlayer
from tests.sdk.behaviour.players import Player
from tests.sdk.behaviour.stage import Stage
from tests.sdk.worker import SHOW, Message
from tests.support.wait import wait_until_sync

both_codecs = pytest.mark.parametrize("stage", ["json", "msgpack"], indirect=True)


def an_error(code: str, *, temporary: bool = False) -> Message:
    return {"type": "error", "code": code, "message": f"{code}!", "temporary": temporary}


@both_codecs
def test_it_connects_says_who_it_is_and_closes(stage: Stage, player_of: NewPlayer) -> None:
    player = player_of(stage.url, codec=stage.worker.codec, token="token-of-eve")
    player.connect()
    assert player.client.welcome is not None
    assert player.client.welcome.viewer == "eve"
    assert player.client.server_time_ms() == pytest.approx(1_700_000_000_000, abs=5_000)
    assert player.client.server_time_uncertainty_ms < 2_500
    player.close()
    assert player.client.state == (Phase.DISCONNECTED, Local.CLOSED, "closed")
    assert [hello["token"] for hello in stage.heard("hello")] == ["token-of-eve"]
    wait_until_sync(lambda: not stage.worker.sockets)


def test_every_change_of_state_is_told_with_code_and_reason(stage: Stage, player: Player) -> None:
    stage.close(4000, "going away")
    wait_until_sync(lambda: len(player.changes) == 4)
    assert [tuple(change) for change in player.changes] == [
        (Phase.CONNECTING, Local.ASKED, "connect was called"),
        (Phase.CONNECTED, Local.WELCOME, "welcome"),
        (Phase.CONNECTING, 4000, "going away"),
        (Phase.CONNECTED, Local.WELCOME, "welcome"),
    ]


def test_after_a_close_code_of_4500_it_stays_away(stage: Stage, player: Player) -> None:
    view = player.subscribe(SHOW)
    view.ready()
    stage.close(4500, "no more")
    error = view.wait_ended()
    assert isinstance(error, Disconnected)
    assert (error.code, error.reason) == (4500, "no more")
    assert player.client.state == (Phase.DISCONNECTED, 4500, "no more")
    with pytest.raises(Disconnected, match="4500: no more"):
        player.ask("ping")
    with pytest.raises(Disconnected):
        player.subscribe(SHOW)


def test_a_server_that_goes_away_says_when_to_come_back_and_the_next_url_is_dialled(
    player_of: NewPlayer,
) -> None:
    with Stage() as first, Stage() as second:
        player = player_of([first.url, second.url])
        player.connect()
        view = player.subscribe(SHOW)
        view.ready()
        said_at_s = time.monotonic()
        first.say({"type": "going_away", "after_ms": 200})
        first.close(4000, "this worker is going away: come back")
        second.heard("hello")
        assert time.monotonic() - said_at_s >= 0.2
        second.heard("watch")
        assert len(first.worker.heard_of("hello")) == 1
        player.close()


def test_silence_is_a_lost_connection(stage: Stage, player_of: NewPlayer) -> None:
    stage.answer("ping", lambda command: None)
    player = player_of(stage.url, silence_s=0.05)
    player.connect()
    stage.heard("hello", 2)
    assert Local.SILENT in {change.code for change in player.changes}


def test_pings_keep_a_connection_that_watches_nothing(stage: Stage, player_of: NewPlayer) -> None:
    player = player_of(stage.url, silence_s=0.1)
    player.connect()
    stage.heard("ping", 4)
    assert len(stage.worker.heard_of("hello")) == 1


def test_a_dead_url_is_passed_over(stage: Stage, player_of: NewPlayer) -> None:
    with Stage() as dead:
        url = dead.url
    player = player_of([url, stage.url])
    player.connect()
    assert player.client.state.phase is Phase.CONNECTED


def test_a_fresh_token_is_asked_for_on_each_dial_until_it_can_be_had(
    stage: Stage, player_of: NewPlayer
) -> None:
    asked: list[str] = []

    def fresh() -> str:
        asked.append(f"token-{len(asked)}")
        if len(asked) == 2:
            raise OSError("the back office is away")
        return asked[-1]

    player = player_of(stage.url, token=fresh)
    player.connect()
    stage.cut()
    assert [hello["token"] for hello in stage.heard("hello", 2)] == ["token-0", "token-2"]
    assert Local.TOKEN in {change.code for change in player.changes}


def test_a_refused_hello_raises_with_the_servers_error(stage: Stage, player_of: NewPlayer) -> None:
    stage.answer("hello", lambda command: an_error("unauthorized"))
    with pytest.raises(Disconnected, match="unauthorized!") as caught:
        player_of(stage.url, token="wrong").connect()
    assert caught.value.code == Local.HELLO_REFUSED


def test_an_http_answer_that_will_not_change_is_the_end(stage: Stage, player_of: NewPlayer) -> None:
    with pytest.raises(Disconnected) as caught:
        player_of(stage.url, codec="msgpack").connect()
    assert caught.value.code == 400


def test_a_renewed_token_is_said_on_later_dials(stage: Stage, player_of: NewPlayer) -> None:
    limits = {"message_bytes_max": 65_536, "tick_ms": 25_000}
    who = {"viewer": "eve", "role": "viewer", "server_time_ms": 1}
    stage.answer("auth", lambda command: {"type": "welcome", **who, "limits": limits})
    player = player_of(stage.url, token="old")
    player.connect()
    player.ask("auth", token="new")
    stage.cut()
    assert [hello["token"] for hello in stage.heard("hello", 2)] == ["old", "new"]


def test_where_nobody_listens_connect_gives_up_in_time(player_of: NewPlayer) -> None:
    with Stage() as gone:
        url = gone.url
    player = player_of(url, connect_timeout_s=0.5)
    with pytest.raises(Disconnected, match="not connected in time") as caught:
        player.connect()
    assert caught.value.code == Local.LOST
    assert player.client.state.phase is Phase.DISCONNECTED
