"""The asyncio client over real sockets: connecting, coming back, staying away, closing."""

import asyncio
import ssl
from typing import Any

import pytest

from dropcast_client import (
    Backoff,
    CallError,
    Client,
    Connection,
    Disconnected,
    Local,
    Phase,
    Recovered,
    Resynced,
)
from dropcast_client.messages import Announcement
from tests.sdk.conftest import QUICK, NewClient
from tests.sdk.worker import SHOW, Worker
from tests.support.wait import wait_until

both_codecs = pytest.mark.parametrize("worker", ["json", "msgpack"], indirect=True)


@both_codecs
async def test_it_connects_and_closes(worker: Worker, client_of: NewClient) -> None:
    async with client_of(token="token-of-eve") as client:
        assert client.state.phase is Phase.CONNECTED
        assert client.welcome is not None
        assert client.welcome.viewer == "eve"
        assert client.server_time_ms() == pytest.approx(1_700_000_000_000, abs=5_000)
    assert client.state == (Phase.DISCONNECTED, Local.CLOSED, "closed")
    assert [hello["token"] for hello in worker.heard_of("hello")] == ["token-of-eve"]
    await wait_until(lambda: not worker.sockets)


@both_codecs
async def test_after_a_cut_it_comes_back_and_no_event_is_missing(
    worker: Worker, client_of: NewClient
) -> None:
    seen: list[int] = []
    async with client_of() as client:
        async for event in client.watch(SHOW):
            match event:
                case Recovered():
                    assert event.missed == 2
                    break
                case Announcement(seq=2):
                    worker.cut_sockets()
                    worker.event("announcement", text="while away")
                    worker.event("announcement", text="while away")
                case Resynced():
                    await worker.announce("one")
                    await worker.announce("two")
            if isinstance(event, Announcement):
                seen.append(event.seq)
    assert seen == [1, 2, 3, 4]
    assert worker.heard_of("watch")[-1]["since"] == {"epoch": "e1", "seq": 2}


async def test_every_change_of_state_is_told_with_code_and_reason(
    worker: Worker, client_of: NewClient
) -> None:
    changes: list[Connection] = []
    async with client_of() as client:
        remove = client.on_state(changes.append)
        await worker.close_sockets(4000, "going away")
        await wait_until(lambda: len(changes) == 2)
        remove()
    assert changes == [
        (Phase.CONNECTING, 4000, "going away"),
        (Phase.CONNECTED, Local.WELCOME, "welcome"),
    ]


async def test_after_a_close_code_of_4500_it_stays_away(worker: Worker, client_of: NewClient) -> None:
    async with client_of() as client:
        events = client.watch(SHOW)
        await anext(events)
        await worker.close_sockets(4500, "no more")
        with pytest.raises(Disconnected, match="4500: no more"):
            await anext(events)
        assert client.state == (Phase.DISCONNECTED, 4500, "no more")
        with pytest.raises(Disconnected):
            await client.ping()
        with pytest.raises(Disconnected):
            client.subscribe(SHOW)


async def test_silence_is_a_lost_connection(worker: Worker, client_of: NewClient) -> None:
    worker.answers["ping"] = lambda command: None
    changes: list[Connection] = []
    async with client_of(silence_s=0.05) as client:
        client.on_state(changes.append)
        await wait_until(lambda: len(changes) >= 2)
    assert changes[0].code == Local.SILENT
    assert len(worker.heard_of("hello")) >= 2


async def test_a_client_that_watches_nothing_keeps_its_connection_by_pings(
    worker: Worker, client_of: NewClient
) -> None:
    async with client_of(silence_s=0.1) as client:
        await wait_until(lambda: len(worker.heard_of("ping")) >= 4)
        assert client.state.phase is Phase.CONNECTED
    assert len(worker.heard_of("hello")) == 1


async def test_a_reconnect_goes_to_the_next_url() -> None:
    async with Worker() as first, Worker() as second:
        urls = [first.url, second.url]
        async with Client(urls, backoff=QUICK) as client:
            first.cut_sockets()
            await wait_until(lambda: len(second.heard_of("hello")) == 1)
            await wait_until(lambda: client.state.phase is Phase.CONNECTED)


async def test_a_dead_url_is_passed_over() -> None:
    async with Worker() as dead:
        url = dead.url
    async with Worker() as alive, Client([url, alive.url], backoff=QUICK) as client:
        assert client.state.phase is Phase.CONNECTED


async def test_a_fresh_token_is_asked_for_on_each_dial(worker: Worker, client_of: NewClient) -> None:
    given: list[str] = []

    async def fresh() -> str:
        given.append(f"token-{len(given)}")
        return given[-1]

    async with client_of(token=fresh):
        worker.cut_sockets()
        await wait_until(lambda: len(worker.heard_of("hello")) == 2)
    assert [hello["token"] for hello in worker.heard_of("hello")] == ["token-0", "token-1"]


async def test_a_token_that_cannot_be_had_now_is_asked_for_again(
    worker: Worker, client_of: NewClient
) -> None:
    asked: list[str] = []

    def fresh() -> str:
        asked.append("a token")
        if len(asked) == 1:
            raise OSError("the back office is away")
        return "token-of-eve"

    async with client_of(token=fresh):
        assert [hello["token"] for hello in worker.heard_of("hello")] == ["token-of-eve"]


async def test_a_refused_hello_raises_with_the_servers_error(worker: Worker, client_of: NewClient) -> None:
    worker.answers["hello"] = lambda command: {
        "type": "error",
        "code": "unauthorized",
        "message": "the token is not valid",
        "temporary": False,
    }
    with pytest.raises(Disconnected, match="unauthorized: the token is not valid") as caught:
        await client_of(token="wrong").connect()
    assert caught.value.code == Local.HELLO_REFUSED


async def test_a_renewed_token_is_said_on_later_dials(worker: Worker, client_of: NewClient) -> None:
    worker.answers["auth"] = lambda command: {
        "type": "welcome",
        "viewer": "eve",
        "role": "viewer",
        "server_time_ms": 1,
        "limits": {"message_bytes_max": 65_536, "tick_ms": 25_000},
    }
    async with client_of(token="old") as client:
        await client.auth("new")
        worker.cut_sockets()
        await wait_until(lambda: len(worker.heard_of("hello")) == 2)
    assert [hello["token"] for hello in worker.heard_of("hello")] == ["old", "new"]


async def test_a_token_of_somebody_else_raises_and_is_not_kept(worker: Worker, client_of: NewClient) -> None:
    worker.answers["auth"] = lambda command: {
        "type": "error",
        "code": "conflict",
        "message": "another viewer's",
        "temporary": False,
    }
    async with client_of(token="old") as client:
        with pytest.raises(CallError, match="conflict"):
            await client.auth("new")
        worker.cut_sockets()
        await wait_until(lambda: len(worker.heard_of("hello")) == 2)
    assert [hello["token"] for hello in worker.heard_of("hello")] == ["old", "old"]


async def test_where_nobody_listens_connect_gives_up_in_time() -> None:
    async with Worker() as gone:
        url = gone.url
    client = Client(url, backoff=QUICK, connect_timeout_s=0.5)
    with pytest.raises(Disconnected, match="not connected in time") as caught:
        await client.connect()
    assert caught.value.code == Local.LOST
    assert client.state.phase is Phase.DISCONNECTED


async def test_an_http_answer_that_will_not_change_is_the_end(worker: Worker) -> None:
    client = Client(worker.url, codec="msgpack", backoff=QUICK)
    with pytest.raises(Disconnected) as caught:
        await client.connect()
    assert caught.value.code == 400


async def test_closing_while_it_dials_leaves_nothing_behind() -> None:
    async with Worker() as gone:
        url = gone.url
    client = Client(url, backoff=Backoff(5.0, 5.0))
    connecting = asyncio.create_task(client.connect())
    await wait_until(lambda: client.state.code == Local.LOST)
    await client.close()
    with pytest.raises(Disconnected):
        await connecting


async def test_cancelling_connect_closes_the_client() -> None:
    async with Worker() as gone:
        url = gone.url
    client = Client(url, backoff=Backoff(5.0, 5.0))
    connecting = asyncio.create_task(client.connect())
    await wait_until(lambda: client.state.code == Local.LOST)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert client.state.phase is Phase.DISCONNECTED


async def test_a_closed_client_may_connect_again(worker: Worker, client_of: NewClient) -> None:
    client = client_of()
    for _ in range(2):
        async with client:
            await client.ping()
    assert len(worker.heard_of("hello")) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": []}, "at least one url"),
        ({"url": "ws://h", "codec": "xml"}, "codec is one of json, msgpack"),
        ({"url": "http://h"}, "begins with ws"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Client(**options)


async def test_frames_are_shown_before_they_are_decoded(worker: Worker, client_of: NewClient) -> None:
    frames: list[tuple[bytes, float]] = []
    async with client_of(on_frame=lambda payload, at_s: frames.append((payload, at_s))) as client:
        await client.ping()
    assert [b"welcome" in payload or b"pong" in payload for payload, _ in frames] == [True, True]
    assert all(type(payload) is bytes for payload, _ in frames)
    assert frames[0][1] <= frames[1][1]


async def test_a_certificate_that_is_not_trusted_is_a_lost_connection(worker: Worker) -> None:
    url = worker.url.replace("ws://", "wss://")
    client = Client(url, backoff=QUICK, ssl=ssl.create_default_context(), connect_timeout_s=1.0)
    with pytest.raises(Disconnected) as caught:
        await client.connect()
    assert caught.value.code == Local.LOST
