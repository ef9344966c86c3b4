"""The composition root: the only file that names every concrete part and plugs them together."""

import asyncio
import contextlib
import logging
import secrets
import socket
import time
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from dropcast import __version__
from dropcast.config import WorkerConfig
from dropcast.domain.faults import Fault
from dropcast.edge.addresses import Addresses
from dropcast.edge.connection import connections
from dropcast.edge.descriptors import Descriptors
from dropcast.edge.dispatch import Dispatch
from dropcast.edge.gate import Gate
from dropcast.edge.http import drops, health, moderation, products, shows
from dropcast.edge.http.cross_origin import cross_origin
from dropcast.edge.http.exchange import Exchange, HttpFault, on_fault, too_many_requests
from dropcast.edge.http.importing import Importing
from dropcast.edge.http.requests import Requests
from dropcast.edge.http_connections import HttpConnections
from dropcast.edge.listener import inherit, retire
from dropcast.edge.origins import Origins
from dropcast.edge.tokens import TokenFault, Verifier
from dropcast.metrics import counts
from dropcast.metrics.sharing import Sheet
from dropcast.metrics.telling import tell
from dropcast.payments.sandbox import Sandbox
from dropcast.service.buyer_limits import BuyerLimits
from dropcast.service.catching_up import CatchingUp
from dropcast.service.checkout import Checkout
from dropcast.service.clock import EngineClock
from dropcast.service.event_log import EventLog
from dropcast.service.frozen import FrozenSales
from dropcast.service.host_rates import HostRates
from dropcast.service.host_turns import HostTurns
from dropcast.service.hosting import Hosting
from dropcast.service.show_reader import ShowReader
from dropcast.service.showing import Showing
from dropcast.service.stage import Stage
from dropcast.service.sweeping import Sweeper
from dropcast.service.trading import Trading
from dropcast.service.viewing import Viewing
from dropcast.settings import Settings
from dropcast.store.connection import connect
from dropcast.store.desk import Desk
from dropcast.store.engine_watch import EngineWatch
from dropcast.store.keys import Keys
from dropcast.store.products import Products
from dropcast.store.shows import HostLimits, Shows
from dropcast.store.tail import Tail

logger = logging.getLogger(__name__)

_LOG_EVENTS_MAX = 10_000
"""How far back a returning viewer is caught up from the event log; beyond that the whole state is cheaper."""


_DATE_S = 1.0
_DRAIN_SHARE = 0.8
"""How much of the time to stop viewers get; the rest is for requests and the engine's clients."""
_PAYMENTS_SHARE = 0.9
"""By when payments whose viewers are gone must have come to their end."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers and without a tick ten times a second: the worker decides when to stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._stopped.set()

    async def main_loop(self) -> None:
        # A tick of number 0 renews the date that answers carry.
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), _DATE_S)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop_accepting(self) -> None:
        for listening in self.servers:
            listening.close()


class _Worker:
    """All parts of one worker, plugged together. Nothing of it runs yet."""

    def __init__(self, config: WorkerConfig) -> None:
        settings = self._settings = config.settings
        # Several servers may share one engine: a worker's name must be its own among all of them.
        name = f"{config.name}-{secrets.token_hex(4)}"
        keys = Keys(settings.prefix)
        self._client = connect(config.engine_url)
        watch = self._watch = EngineWatch()
        self._tail = Tail(connect(config.engine_url), keys, watch=watch)
        self._store = Shows(self._client, keys, watch=watch, host_limits=_host_limits(settings))
        self._catalogue = Products(self._client, keys)
        self._clock = EngineClock()
        self.desk = Desk(self._store, holds_per_viewer_max=settings.holds_per_viewer_max)
        frozen = FrozenSales(store=self._store, settings=settings, server=config.server, worker=name)
        self.sweeper = Sweeper(
            store=self._store, desk=self.desk, clock=self._clock, frozen=frozen, worker=name
        )
        self._reader = ShowReader(self._store, settings)
        self.stage = Stage(
            store=self._store,
            reader=self._reader,
            tail=self._tail,
            clock=self._clock,
            settings=settings,
            worker=name,
            on_deadline=self.sweeper.on_deadline,
            on_due=self.sweeper.on_due,
            on_entered=self.sweeper.follow,
            on_left=self.sweeper.forget,
        )
        self._hosting = Hosting(
            store=self._store,
            products=self._catalogue,
            stage=self.stage,
            rates=HostRates(
                commands_per_s=settings.host_commands_per_s,
                burst_s=settings.command_burst_s,
                shows_per_min=settings.shows_per_creator_per_min,
            ),
            turns=HostTurns(settings.host_commands_waiting_max),
            hold_ms=settings.hold_ms,
            drop_limit=settings.drop_limit,
        )
        self._verifier = Verifier(settings)
        addresses = Addresses(settings)
        origins = Origins(settings.allowed_origins)
        self.checkout = Checkout(
            desk=self.desk,
            store=self._store,
            stage=self.stage,
            provider=Sandbox(slow_ms=settings.sandbox_slow_ms),
            timeout_ms=settings.payment_timeout_ms,
        )
        self.dispatch = self._make_dispatch(addresses)
        self.descriptors = Descriptors()
        self.http = HttpConnections(settings, self.descriptors, self.dispatch.sockets.count)
        busy = Requests(too_many_requests)
        gate = Gate(settings, self.dispatch, addresses, origins, self.http, busy)
        self.leaving = False
        """Whether the server stops soon: not ready any more, but connects are still taken."""
        self.server = _Server(_uvicorn_config(Requests(self._make_web(origins)), gate))

    def _make_dispatch(self, addresses: Addresses) -> Dispatch:
        settings, stage, store = self._settings, self.stage, self._store
        buyer_limits = BuyerLimits(
            reserves_per_s=settings.viewer_reserves_per_s,
            refusals_per_s=settings.viewer_commands_per_s,
            burst_s=settings.command_burst_s,
            payments_max=settings.payments_per_viewer_max,
        )
        log = EventLog(store, settings)
        return Dispatch(
            settings=settings,
            verifier=self._verifier,
            addresses=addresses,
            clock=self._clock,
            viewing=Viewing(
                stage=stage,
                reader=self._reader,
                log=log,
                settings=settings,
                log_events_max=_LOG_EVENTS_MAX,
            ),
            catching_up=CatchingUp(stage=stage, log=log, log_events_max=_LOG_EVENTS_MAX),
            trading=Trading(
                desk=self.desk,
                stage=stage,
                clock=self._clock,
                limits=buyer_limits,
                guests_per_address_max=settings.guest_buyers_per_address_max,
            ),
            buyer_limits=buyer_limits,
            checkout=self.checkout,
            hosting=self._hosting,
        )

    def _make_web(self, origins: Origins) -> Starlette:
        exchange = Exchange(verifier=self._verifier, settings=self._settings)
        reader, hosting = self._reader, self._hosting
        showing = Showing(stage=self.stage, reader=reader, clock=self._clock, settings=self._settings)
        return Starlette(
            middleware=cross_origin(origins),
            routes=[
                *health.routes(self._check_ready, __version__),
                *products.routes(
                    exchange, self._catalogue, Importing(self._settings, self._catalogue), reader
                ),
                *shows.routes(exchange, hosting, showing, reader, self._store),
                *drops.routes(exchange, hosting, showing),
                *moderation.routes(exchange, hosting, showing),
            ],
            exception_handlers=dict.fromkeys(
                (Fault, HttpFault, TokenFault, HTTPException, Exception), on_fault
            ),
        )

    async def _check_ready(self) -> None:
        if self.leaving or self.dispatch.sockets.is_draining:
            raise Fault("the worker is going away")
        await self._store.ping()

    async def leave_after(self, leave: asyncio.Event) -> None:
        await leave.wait()
        self.leaving = True

    def measure(self) -> None:
        """Look up what is not counted as it happens."""
        counts.shows_followed = self.stage.followed
        counts.watching = self.stage.watching
        counts.trades_waiting = self.desk.waiting
        counts.http_connections = len(self.http)
        counts.payments_unsettled = self.checkout.unsettled

    async def close(self) -> None:
        self._watch.close()
        await self.stage.close()
        await self.desk.close()
        await self._tail.close()
        await self._client.aclose()


async def run_worker(
    config: WorkerConfig, *, ready: Callable[[], None], leave: asyncio.Event, stop: asyncio.Event
) -> None:
    """Serve on the inherited socket until `stop` is set, then finish what was accepted and return.

    Once `leave` is set the worker says that it is not ready, and serves on.
    """
    worker = _Worker(config)
    running = [
        worker.stage.run(),
        worker.sweeper.run(),
        worker.dispatch.sockets.run(),
        worker.descriptors.run(),
        worker.leave_after(leave),
    ]
    if config.metrics_fd >= 0:
        running.append(tell(Sheet(config.metrics_fd), worker.measure))
    background = [asyncio.create_task(work) for work in running]
    listeners = [inherit(descriptor, config.settings) for descriptor in config.listen_fds]
    serving = asyncio.create_task(worker.server.serve(listeners))
    try:
        await _until_started(worker.server, serving)
        ready()
        await stop.wait()
        await _drain(worker, listeners, config.settings.stop_deadline_ms / 1000)
    finally:
        worker.server.stop()
        await serving
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await worker.close()


async def _drain(worker: _Worker, listeners: list[socket.socket], deadline_s: float) -> None:
    """Take no more, finish what was accepted, and leave what time is left to the requests under way."""
    began_s = time.monotonic()
    worker.http.drain()
    await asyncio.gather(
        retire(listeners, worker.server.stop_accepting), worker.dispatch.drain(deadline_s * _DRAIN_SHARE)
    )
    await worker.checkout.close(deadline_s * _PAYMENTS_SHARE - (time.monotonic() - began_s))
    left_s = deadline_s - (time.monotonic() - began_s)
    worker.server.config.timeout_graceful_shutdown = max(1, int(left_s) - 1)


def _host_limits(settings: Settings) -> HostLimits:
    return HostLimits(
        commands_per_min=settings.host_commands_per_show_per_min,
        bytes_per_min=settings.log_bytes_per_show_per_min,
        event_bytes_max=settings.event_bytes_max,
    )


def _uvicorn_config(web: Requests, gate: Gate) -> uvicorn.Config:
    return uvicorn.Config(
        web,
        http=connections(gate),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        # Said here so that uvicorn does not ask the environment: WEB_CONCURRENCY and FORWARDED_ALLOW_IPS.
        workers=1,
        forwarded_allow_ips=[],
        env_file=None,
        proxy_headers=False,
        server_header=False,
    )


async def _until_started(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    while not server.started:
        if serving.done():
            await serving
            raise RuntimeError("the web server stopped before it had started")
        await asyncio.sleep(0.01)
