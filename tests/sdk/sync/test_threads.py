"""The sync client used by many threads at once, and what runs in which thread."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dropcast_client import (
    Announcement,
    Connection,
    Disconnected,
    Event,
    Held,
    OutcomeUnknown,
    Phase,
    SyncClient,
)
from tests.sdk.behaviour.players import QUICK, Promise
from tests.sdk.behaviour.stage import Stage
from tests.sdk.worker import SHOW
from tests.support.wait import wait_until_sync

BUY: dict[str, Any] = {"show": SHOW, "drop": "drop-1", "sku": "cap-red"}
THREADS = 8
CALLS = 25


def of_the_sdk() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("dropcast")]


def test_many_threads_call_at_once_while_connections_are_cut(stage: Stage, client: SyncClient) -> None:
    def shop(number: int) -> list[str]:
        keys = [f"{number}-{count}" for count in range(CALLS)]
        replies = [client.reserve(**BUY, key=key) for key in keys]
        assert [reply.hold for reply in replies if isinstance(reply, Held)] == ["h-" + key for key in keys]
        return keys

    with ThreadPoolExecutor(THREADS) as pool, client.subscribe(SHOW) as subscription:
        shops = [pool.submit(shop, number) for number in range(THREADS)]
        for count in (20, 60, 120):
            stage.heard("reserve", count)
            stage.cut()
        done = {key for shop in shops for key in shop.result()}
        assert subscription.ready(5).seq == 0
    assert len(done) == THREADS * CALLS
    ids = [command["id"] for command in stage.worker.heard_of("reserve")]
    assert len(set(ids)) == THREADS * CALLS


def test_many_threads_watch_and_read_the_state_while_it_changes(stage: Stage, client: SyncClient) -> None:
    def watch() -> list[int]:
        seen: list[int] = []
        for event in client.watch(SHOW, timeout_s=10):
            if isinstance(event, Announcement):
                seen.append(event.seq)
                if event.text == "last":
                    break
        return seen

    with ThreadPoolExecutor(THREADS) as pool, client.subscribe(SHOW) as subscription:
        subscription.ready(5)
        watches = [pool.submit(watch) for _ in range(THREADS)]
        stage.announce(*(str(count) for count in range(50)), "last")
        for watched in watches:
            seen = watched.result()
            assert seen == list(range(seen[0], 52))
        assert subscription.ready(5).seq == 51


def test_a_state_is_a_copy_that_does_not_change(stage: Stage, client: SyncClient) -> None:
    with client.subscribe(SHOW) as subscription:
        before = subscription.ready(5)
        stage.run(stage.worker.publish("drop_closed", drop="drop-1"))
        wait_until_sync(lambda: subscription.ready().seq == 1)
        assert before.drops["drop-1"].is_open
        assert not subscription.ready().drops["drop-1"].is_open


def test_close_from_another_thread_ends_every_wait(stage: Stage, client: SyncClient) -> None:
    stage.answer("reserve", lambda command: None)
    watched = client.subscribe(SHOW)
    watched.ready(5)
    watched.take(5)
    stage.answer("watch", lambda command: None)
    unknown = client.subscribe("another")
    call = Promise(lambda: client.reserve(**BUY))
    iteration = Promise(lambda: list(watched))
    ready = Promise(unknown.ready)
    ended = Promise(unknown.wait_ended)
    stage.heard("reserve")
    client.close()
    assert iteration.result() == []
    assert ended.result() is None
    with pytest.raises(OutcomeUnknown):
        call.result()
    with pytest.raises(Disconnected):
        ready.result()


def test_close_ends_a_connect_that_waits() -> None:
    with Stage() as gone:
        url = gone.url
    client = SyncClient(url, backoff=QUICK)
    connecting = Promise(client.connect)
    wait_until_sync(lambda: client.state.phase is Phase.CONNECTING)
    client.close()
    with pytest.raises(Disconnected):
        connecting.result()


def test_a_closed_client_leaves_no_thread_and_may_connect_again(stage: Stage) -> None:
    client = SyncClient(stage.url, backoff=QUICK)
    for _ in range(3):
        with client:
            client.ping()
        assert of_the_sdk() == []


def test_callbacks_may_wait_for_the_client(stage: Stage, client: SyncClient) -> None:
    states: list[Connection] = []
    bought: list[Any] = []

    def on_state(connection: Connection) -> None:
        states.append(connection)
        client.ping(timeout_s=5)

    def on_event(event: Event) -> None:
        bought.append(client.reserve(**BUY))
        if isinstance(event, Announcement):
            client.close()

    client.on_state(on_state)
    client.subscribe(SHOW, on_event).ready(5)
    stage.cut()
    wait_until_sync(lambda: len(states) == 2)
    stage.announce("one")
    wait_until_sync(lambda: client.state.phase is Phase.DISCONNECTED)
    assert all(isinstance(reply, Held) for reply in bought)


def test_a_wait_where_the_reader_runs_is_refused(stage: Stage) -> None:
    refused: list[str] = []

    def wait() -> str:
        try:
            client.ping()
        except RuntimeError as error:
            refused.append(str(error))
        return "token"

    def on_frame(payload: bytes, heard_at_s: float) -> None:
        if b"welcome" in payload:
            wait()

    client = SyncClient(stage.url, token=wait, on_frame=on_frame, backoff=QUICK)
    with client:
        client.ping()
    assert [words.split(" must")[0] for words in refused] == ["on_frame and the token callable"] * 2


def test_two_threads_do_not_iterate_over_one_subscription(stage: Stage, client: SyncClient) -> None:
    with client.subscribe(SHOW) as subscription:
        subscription.take(5)
        waiting = Promise(lambda: subscription.take(10))
        with pytest.raises(RuntimeError, match="another thread"):
            wait_until_sync(lambda: subscription.take(0.001) and None)
        stage.announce("one")
        assert isinstance(waiting.result(), Announcement)


def test_a_callback_that_is_too_slow_is_let_go_and_says_why(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    may_go_on = threading.Event()

    def on_event(event: Event) -> None:
        may_go_on.wait(10)

    with SyncClient(stage.url, backoff=QUICK, inbox_max=5) as client:
        subscription = client.subscribe(SHOW, on_event)
        subscription.ready(5)
        stage.announce(*(str(count) for count in range(10)))
        wait_until_sync(lambda: subscription.ready().seq == 10)
        may_go_on.set()
        error = subscription.wait_ended(5)
        assert "were not taken" in str(error)
        wait_until_sync(lambda: "too slow" in caplog.text)


def test_a_script_that_forgets_to_close_ends_all_the_same(stage: Stage) -> None:
    script = f"""
from dropcast_client import SyncClient
client = SyncClient({stage.url!r})
client.connect()
client.subscribe({SHOW!r}, print)
print(client.ping() > 0)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert "True" in done.stdout
