"""The sync shell's socket: one that takes nothing more holds nobody up, and a dead one is let go."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dropcast_client import Disconnected, Local, OutcomeUnknown, SyncClient
from dropcast_client.frames import NotOpened
from dropcast_client.sync.link import Link
from tests.sdk.behaviour.players import QUICK
from tests.sdk.behaviour.stage import Stage
from tests.sdk.worker import SHOW
from tests.support.wait import wait_until_sync

MANY = 200
TEXT = "x" * 60_000


@contextmanager
def stalled(stage: Stage) -> Iterator[None]:
    """The worker's process hangs: it reads nothing, and the kernel's buffers fill up."""
    go_on = threading.Event()
    stage.run_soon(go_on.wait, 20)
    try:
        yield
    finally:
        go_on.set()


def test_a_server_that_stops_reading_holds_no_caller_up_and_misses_nothing(
    stage: Stage, client: SyncClient
) -> None:
    with stalled(stage):
        began_s = time.monotonic()
        for _ in range(MANY):
            with pytest.raises(OutcomeUnknown):
                client.announce(show=SHOW, text=TEXT, timeout_s=0.001)
        assert time.monotonic() - began_s < 10
    assert len(stage.heard("announce", MANY)) == MANY
    assert client.ping() > 0


def test_a_server_that_neither_reads_nor_speaks_is_a_lost_connection(stage: Stage) -> None:
    with SyncClient(stage.url, backoff=QUICK, silence_s=0.3) as client, stalled(stage):
        for _ in range(MANY):
            with pytest.raises((OutcomeUnknown, Disconnected)):
                client.announce(show=SHOW, text=TEXT, timeout_s=0.001)
        wait_until_sync(lambda: client.state.code == Local.SILENT)


def test_a_socket_that_does_not_open_says_so() -> None:
    with Stage() as gone:
        url = gone.url
    link = Link(url, subprotocol="dropcast.v1.json", text=True, ssl=None, message_bytes_max=1_000)
    with pytest.raises(NotOpened) as caught:
        link.connect(1.0)
    assert caught.value.code == Local.LOST


def test_a_certificate_that_is_not_trusted_is_a_lost_connection(stage: Stage) -> None:
    url = stage.url.replace("ws://", "wss://")
    client = SyncClient(url, backoff=QUICK, ssl=ssl.create_default_context(), connect_timeout_s=1.0)
    with pytest.raises(Disconnected) as caught:
        client.connect()
    assert caught.value.code == Local.LOST
