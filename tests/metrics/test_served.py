"""Metrics of a whole server: what viewers do is counted over both workers, and nothing falls when one is killed."""

import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from dropcast.metrics.catalogue import CATALOGUE
from dropcast.settings import Settings
from dropcast.supervisor import Running
from dropcast_client import Refused
from tests.support import exposition
from tests.support.house import House
from tests.support.wait import wait_until

UNITS = 3


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class Watched:
    """A server with two workers, and its metrics."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.house = House(running.settings, running.port, running.secret)

    async def page(self) -> exposition.Page:
        async with httpx.AsyncClient(trust_env=False) as http:
            return exposition.read((await http.get(self.running.supervisor.metrics_url)).text)

    async def until(self, name: str, value: float, **labels: str) -> exposition.Page:
        """Return the first page on which `name` has come to `value`: workers tell twice a second."""

        async def reached() -> exposition.Page | None:
            page = await self.page()
            return page if page.total(name, **labels) >= value else None

        page: exposition.Page = await wait_until(reached, timeout_s=20)
        assert page.total(name, **labels) == value, (name, labels)
        return page


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    settings = Settings(
        port=0, data_dir=str(tmp_path), workers=2, log_level="warning", metrics_port=free_port()
    )
    async with Running(settings) as running:
        watched = Watched(running)
        await watched.house.import_catalogue()
        yield watched


async def trade(house: House) -> str:
    """Five buyers on both workers want one of three units; three get it, one of those pays."""
    show = await house.live_show()
    drop = await house.drop(show, {"MUG": UNITS}, product="mug")
    for number in range(5):
        async with house.client(f"buyer-{number}") as client:
            await client.subscribe(show).ready()
            got = await client.reserve(show=show, drop=drop, sku="MUG", qty=1)
            assert isinstance(got, Refused) is (number >= UNITS)
            if number == 0 and not isinstance(got, Refused):
                await client.checkout(show=show, hold=got.hold, payment="tok_approve")
    return show


async def test_what_viewers_do_is_counted_over_both_workers(watched: Watched) -> None:
    await trade(watched.house)
    await watched.until("dropcast_refusals_total", 2, reason="sold_out")
    await watched.until("dropcast_trades_total", UNITS, kind="reserve", outcome="granted")
    await watched.until("dropcast_payments_total", 1, outcome="sold")
    await watched.until("dropcast_trades_total", 1, kind="sell", outcome="granted")
    await watched.until("dropcast_joins_total", 5)
    route = {"method": "POST", "route": "/v1/shows/{show}/drops", "status": "201"}
    await watched.until("dropcast_http_requests_total", 1, **route)
    page = await watched.until("dropcast_connections_accepted_total", 5)
    assert page.value("dropcast_holds_open") == UNITS - 1
    assert page.value("dropcast_engine_up") == 1
    assert page.total("dropcast_trade_batch_size_sum") >= 5
    assert page.total("dropcast_engine_call_seconds_count", function="trade") >= 5
    assert page.total("dropcast_fanout_seconds_count") > 0
    assert page.total("dropcast_deliveries_total") > 0
    assert {metric.name for metric in CATALOGUE} == page.kinds.keys()
    await watched.until("dropcast_connections", 0)


async def test_a_killed_workers_counters_stay_its_gauges_go_and_the_restart_is_told(watched: Watched) -> None:
    await trade(watched.house)
    before = await watched.until("dropcast_trades_total", 5, kind="reserve")
    os.kill(watched.running.pids["w0"], signal.SIGKILL)
    page = await watched.until("dropcast_worker_restarts_total", 1)
    assert page.value("dropcast_worker_restarts_total", worker="w0") == 1
    falling = {
        sample
        for sample, value in before.samples.items()
        if is_cumulative(sample[0], before.kinds) and page.samples.get(sample, 0) < value
    }
    assert falling == set()
    page = await watched.until("dropcast_worker_up", 2)
    assert page.value("dropcast_worker_memory_bytes", worker="w1") > 0
    # The successor counts on from there.
    await trade(watched.house)
    await watched.until("dropcast_trades_total", 10, kind="reserve")


async def test_an_engine_that_is_gone_is_told_and_its_return_as_well(watched: Watched) -> None:
    os.kill(watched.running.pids["engine"], signal.SIGKILL)

    async def up() -> float:
        return (await watched.page()).value("dropcast_engine_up")

    async def down() -> bool:
        page = await watched.page()
        return not page.value("dropcast_engine_up") and not page.total("dropcast_engine_memory_bytes")

    await wait_until(down, timeout_s=20)
    await wait_until(up, timeout_s=30)


def is_cumulative(name: str, kinds: dict[str, str]) -> bool:
    family = name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
    return kinds.get(name) == "counter" or kinds.get(family) == "histogram"


async def test_without_a_port_there_are_no_metrics_and_no_listener(tmp_path: Path) -> None:
    async with Running(Settings(port=0, data_dir=str(tmp_path), log_level="warning")) as running:
        assert running.supervisor.metrics_url == ""
