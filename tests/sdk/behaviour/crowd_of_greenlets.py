"""A crowd of sync clients in one thread, as a load test under gevent has it. Run by under_gevent.py only."""

import threading

from gevent.pool import Pool

from dropcast_client import Announcement, Held, SyncClient
from tests.sdk.behaviour.players import QUICK
from tests.sdk.behaviour.stage import Stage
from tests.sdk.worker import SHOW
from tests.support.wait import wait_until_sync

CLIENTS = 100


def test_a_hundred_greenlets_buy_and_come_back(stage: Stage) -> None:
    begun = 0

    def visit(number: int) -> list[str]:
        nonlocal begun
        texts: list[str] = []
        with SyncClient(stage.url, backoff=QUICK) as client, client.subscribe(SHOW) as subscription:
            subscription.take(30)
            begun += 1
            assert isinstance(client.reserve(show=SHOW, drop="drop-1", sku="cap-red"), Held)
            while len(texts) < 3:
                event = subscription.take(30)
                if isinstance(event, Announcement):
                    texts.append(event.text)
        return texts

    pool = Pool(CLIENTS)
    visits = pool.map_async(visit, range(CLIENTS))
    wait_until_sync(lambda: begun == CLIENTS, timeout_s=30)
    stage.announce("one")
    stage.cut(while_away=("two",))
    stage.heard("watch", 2 * CLIENTS)
    stage.announce("three")
    assert visits.get(timeout=30) == [["one", "two", "three"]] * CLIENTS
    assert threading.current_thread() is threading.main_thread()
