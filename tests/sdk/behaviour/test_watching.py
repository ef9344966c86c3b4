"""What every shell shows of a show."""

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from dropcast_client import (
    Announcement,
    CallError,
    Disconnected,
    DropOpened,
    DropScheduled,
    Event,
    FellBehind,
    Recovered,
    Resynced,
    SalesFrozen,
    SalesThawed,
    Stock,
)
from tests.sdk.behaviour.conftest import NewPlayer
from tests.sdk.behaviour.players import Player, Promise, View
from tests.sdk.behaviour.stage import Stage
from tests.sdk.behaviour.test_connection import an_error, both_codecs
from tests.sdk.worker import SHOW, drop_view, hold_view, show_view
from tests.support.wait import wait_until_sync


def texts(events: Sequence[Event | None]) -> list[str]:
    return [event.text for event in events if isinstance(event, Announcement)]


def begin(player: Player) -> View:
    """Subscribe, and take the first event."""
    view = player.subscribe(SHOW)
    first = view.take()
    assert isinstance(first, Resynced)
    assert first.first
    return view


@both_codecs
def test_after_a_cut_every_event_comes_once_and_in_order(stage: Stage, player: Player) -> None:
    view = begin(player)
    stage.announce("one", "two")
    assert texts([view.take(), view.take()]) == ["one", "two"]
    stage.cut(while_away=("three", "four"))
    events = [view.take() for _ in range(3)]
    assert texts(events[:2]) == ["three", "four"]
    assert isinstance(events[2], Recovered)
    assert events[2].missed == 2
    assert stage.heard("watch", 2)[1]["since"] == {"epoch": "e1", "seq": 2}


def test_where_history_was_lost_the_whole_state_comes_again(stage: Stage, player: Player) -> None:
    view = begin(player)
    stage.announce("one")
    view.take()
    stage.worker.epoch, stage.worker.log = "e2", []
    stage.cut()
    again = view.take()
    assert isinstance(again, Resynced)
    assert (again.epoch, again.seq, again.first) == ("e2", 0, False)


def test_the_state_is_kept_current_without_iterating(stage: Stage, player: Player) -> None:
    view = player.subscribe(SHOW)
    assert view.ready().drops["drop-1"].stock == {"cap-red": 5}
    stage.say({"type": "stock", "show": SHOW, "offset": 7, "units": {"drop-1": {"cap-red": 2}}})
    stage.run(stage.worker.publish("drop_closed", drop="drop-1"))
    wait_until_sync(lambda: view.ready().seq == 1)
    state = view.ready()
    assert state.drops["drop-1"].stock == {"cap-red": 2}
    assert not state.drops["drop-1"].is_open


def test_a_scheduled_drop_is_known_before_it_opens(stage: Stage, player: Player) -> None:
    view = begin(player)
    later = {**drop_view(), "drop": "drop-2", "opens_at_ms": 9_000, "reveal_at_ms": 5_000}
    stage.run(stage.worker.publish("drop_scheduled", drop={**later, "status": "scheduled"}))
    assert isinstance(view.take(), DropScheduled)
    assert view.state is not None
    drop = view.state.drops["drop-2"]
    assert (drop.is_scheduled, drop.is_open) == (True, False)
    assert (drop.opens_at_ms, drop.closes_at_ms, drop.reveal_at_ms) == (9_000, 0, 5_000)
    stage.run(stage.worker.publish("drop_opened", drop={**later, "status": "open"}))
    assert isinstance(view.take(), DropOpened)
    assert view.state.drops["drop-2"].is_open


def test_frozen_sales_are_told_and_known(stage: Stage, player: Player) -> None:
    view = begin(player)
    assert not view.ready().frozen
    stage.run(stage.worker.publish("sales_frozen", reason="operator"))
    frozen = view.take()
    assert isinstance(frozen, SalesFrozen)
    assert frozen.reason == "operator"
    assert view.ready().frozen
    stage.run(stage.worker.publish("sales_thawed"))
    assert isinstance(view.take(), SalesThawed)
    assert not view.ready().frozen


def test_a_banned_viewer_is_told_and_the_rest_goes_on(stage: Stage, player: Player) -> None:
    view = begin(player)
    stage.announce("one")
    stage.say({"type": "banned", "show": SHOW})
    error = view.wait_ended()
    assert isinstance(error, CallError)
    assert (error.code, error.temporary) == ("banned", False)
    assert texts([view.take()]) == ["one"]
    with pytest.raises(CallError, match="banned"):
        view.take()
    stage.announce("two")
    assert player.ask("ping") > 0
    stage.cut()
    stage.heard("hello", 2)
    player.ask("ping")
    assert len(stage.worker.heard_of("watch")) == 1


def test_a_banned_viewer_may_not_watch(stage: Stage, player: Player) -> None:
    stage.answer("watch", lambda command: an_error("banned"))
    with pytest.raises(CallError) as caught:
        player.subscribe(SHOW).ready()
    assert caught.value.code == "banned"


def test_a_watch_that_comes_too_fast_is_said_again(stage: Stage, player: Player) -> None:
    def once(command: dict[str, Any]) -> dict[str, Any]:
        if len(stage.worker.heard_of("watch")) == 1:
            return an_error("rate_limited", temporary=True)
        return stage.worker.watch_answer(None)

    stage.answer("watch", once)
    assert player.subscribe(SHOW).ready().seq == 0


def test_two_consumers_of_a_show_see_the_same_over_one_watch(stage: Stage, player: Player) -> None:
    first, second = begin(player), begin(player)
    stage.announce("one")
    assert texts([first.take(), second.take()]) == ["one", "one"]
    first.close()
    stage.announce("two")
    assert texts([second.take()]) == ["two"]
    assert stage.worker.heard_of("leave") == []
    second.close()
    stage.heard("leave")
    assert len(stage.worker.heard_of("watch")) == 1


def test_closing_ends_an_iteration_after_what_waits(stage: Stage, player: Player) -> None:
    view = begin(player)
    stage.announce("one")
    wait_until_sync(lambda: view.state and view.state.seq == 1)
    view.close()
    assert texts([view.take()]) == ["one"]
    assert view.take() is None
    assert view.error is None


def test_closing_the_client_ends_an_iteration_that_waits(stage: Stage, player: Player) -> None:
    view = begin(player)
    waiting = Promise(view.take)
    player.close()
    assert waiting.result() is None


def test_without_an_event_in_time_the_iteration_may_go_on(stage: Stage, player: Player) -> None:
    view = begin(player)
    with pytest.raises(TimeoutError):
        view.take(0.02)
    stage.announce("one")
    assert texts([view.take()]) == ["one"]


def test_a_slow_consumer_misses_no_event_and_sees_the_latest_stock(stage: Stage, player: Player) -> None:
    view = begin(player)
    for count in range(400):
        units = {"drop-1": {"cap-red": 1_000 - count}}
        stage.say({"type": "stock", "show": SHOW, "offset": count + 1, "units": units})
        stage.announce(str(count))
    wait_until_sync(lambda: view.state and view.state.seq == 400)
    seen: list[Any] = []
    while not (seen and isinstance(seen[-1], Stock) and len(texts(seen)) == 400):
        seen.append(view.take())
    figures = [event for event in seen if isinstance(event, Stock)]
    assert texts(seen) == [str(count) for count in range(400)]
    assert len(figures) < 200
    assert figures[-1].units == {"drop-1": {"cap-red": 601}}


def test_a_consumer_that_takes_nothing_falls_behind(stage: Stage, player_of: NewPlayer) -> None:
    player = player_of(stage.url, inbox_max=5)
    player.connect()
    view = begin(player)
    stage.announce(*(str(count) for count in range(10)))
    wait_until_sync(lambda: view.state and view.state.seq == 10)
    with pytest.raises(FellBehind):
        view.take()
    begin(player)


def test_a_callback_hears_each_event_and_may_call(stage: Stage, player: Player) -> None:
    seen: list[Event] = []

    def on_event(event: Event) -> None:
        seen.append(event)
        player.from_callback("ping")

    player.subscribe(SHOW, on_event).ready()
    stage.announce("one", "two")
    wait_until_sync(lambda: len(seen) == 3)
    stage.heard("ping", 3)
    assert isinstance(seen[0], Resynced)
    assert texts(seen) == ["one", "two"]


def test_a_callback_that_raises_is_reported_and_the_next_event_comes(
    stage: Stage, player: Player, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Event] = []

    def fail(event: Event) -> None:
        seen.append(event)
        raise RuntimeError("oh")

    with caplog.at_level(logging.ERROR):
        player.subscribe(SHOW, fail).ready()
        stage.announce("one", "two")
        wait_until_sync(lambda: len(seen) == 3)
        player.ask("ping")
        wait_until_sync(lambda: len(caplog.records) == 3)
    assert {record.getMessage().split("\n")[0] for record in caplog.records} == {
        "on_event of a dropcast client raised"
    }


def test_a_show_that_is_not_there_raises_the_servers_error(stage: Stage, player: Player) -> None:
    stage.answer("watch", lambda command: an_error("not_found"))
    with pytest.raises(CallError, match="not_found!"):
        player.subscribe(SHOW).take()
    with pytest.raises(CallError, match="not_found!"):
        player.subscribe(SHOW).ready()


def test_a_closed_subscription_is_never_ready(stage: Stage, player: Player) -> None:
    stage.answer("watch", lambda command: None)
    view = player.subscribe(SHOW)
    waiting = Promise(view.ready)
    stage.heard("watch")
    view.close()
    with pytest.raises(Disconnected):
        waiting.result()


def test_holds_come_with_their_show_and_go_with_their_end(stage: Stage, player: Player) -> None:
    view = begin(player)
    stage.say({"type": "hold_placed", "show": SHOW, "offset": 4, "hold": hold_view()})
    view.take()
    assert [hold.hold for hold in view.holds] == ["h1"]
    stage.say({"type": "order_confirmed", "show": SHOW, "offset": 5, "hold": hold_view(state="sold")})
    view.take()
    assert view.holds == player.client.holds(SHOW) == ()


def test_a_very_large_show_is_shown_whole(stage: Stage, player: Player) -> None:
    many = {f"sku-{count}": count for count in range(100)}
    drops = [{**drop_view(), "drop": f"d{number}", "stock": many, "prices": many} for number in range(500)]
    whole = {"show": show_view(), "drops": drops, "viewers": 9, "offset": 3}
    answer = {"type": "watching", "show": SHOW, "epoch": "e1", "seq": 0, "recovered": False, "state": whole}
    stage.answer("watch", lambda command: answer)
    view = begin(player)
    assert view.state is not None
    assert len(view.state.drops) == 500
    assert view.state.drops["d499"].stock == many
    stage.announce("one")
    assert texts([view.take()]) == ["one"]
