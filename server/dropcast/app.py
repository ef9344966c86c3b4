"""The composition root: the only file that names every concrete part and plugs them together."""

import asyncio
import contextlib
import logging
import secrets
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from dropcast import __version__
from dropcast.config import WorkerConfig
from dropcast.domain.faults import Fault
from dropcast.edge.connection import connections
from dropcast.edge.dispatch import Dispatch
from dropcast.edge.http import drops, health, products, shows
from dropcast.edge.http.exchange import Exchange, HttpFault, on_fault
from dropcast.edge.tokens import TokenFault, Verifier
from dropcast.payments.sandbox import Sandbox
from dropcast.service.checkout import Checkout
from dropcast.service.clock import EngineClock
from dropcast.service.hosting import Hosting
from dropcast.service.stage import Stage
from dropcast.service.sweeping import Sweeper
from dropcast.service.trading import Trading
from dropcast.service.viewing import Viewing
from dropcast.settings import Settings
from dropcast.store.connection import connect
from dropcast.store.desk import Desk
from dropcast.store.products import Products
from dropcast.store.shows import Shows
from dropcast.store.tail import Tail

logger = logging.getLogger(__name__)

_LOG_EVENTS_MAX = 10_000
"""How far back a returning viewer is caught up from the event log; beyond that the whole state is cheaper."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the worker process decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run_worker(config: WorkerConfig, *, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve on the inherited socket until `stop` is set, then finish what was accepted and return."""
    settings = config.settings
    # Several servers may share one engine: a worker's name must be its own among all of them.
    worker = f"{config.name}-{secrets.token_hex(4)}"
    client = connect(config.engine_url)
    tail = Tail(connect(config.engine_url))
    store = Shows(client)
    desk = Desk(store, holds_per_viewer_max=settings.holds_per_viewer_max)
    catalogue = Products(client)
    clock = EngineClock()
    sweeper = Sweeper(store=store, desk=desk, clock=clock, worker=worker)
    stage = Stage(
        store=store,
        tail=tail,
        clock=clock,
        settings=settings,
        worker=worker,
        on_deadline=sweeper.on_deadline,
        on_due=sweeper.on_due,
        on_left=sweeper.forget,
    )
    hosting = Hosting(
        store=store, products=catalogue, stage=stage, hold_ms=settings.hold_ms, drop_limit=settings.drop_limit
    )
    verifier = Verifier(settings)
    dispatch = Dispatch(
        settings=settings,
        verifier=verifier,
        clock=clock,
        viewing=Viewing(stage=stage, store=store, log_events_max=_LOG_EVENTS_MAX),
        trading=Trading(desk=desk, stage=stage),
        checkout=Checkout(
            desk=desk,
            store=store,
            stage=stage,
            provider=Sandbox(slow_ms=settings.sandbox_slow_ms),
            timeout_ms=settings.payment_timeout_ms,
        ),
        hosting=hosting,
    )
    exchange = Exchange(verifier=verifier, body_bytes_max=settings.body_bytes_max)
    web = Starlette(
        routes=[
            *health.routes(store.ping, __version__),
            *products.routes(exchange, catalogue),
            *shows.routes(exchange, hosting, stage, store),
            *drops.routes(exchange, hosting, store),
        ],
        exception_handlers=dict.fromkeys((Fault, HttpFault, TokenFault, HTTPException, Exception), on_fault),
    )
    server = _Server(_uvicorn_config(web, settings, dispatch))
    background = [asyncio.create_task(stage.run()), asyncio.create_task(sweeper.run())]
    serving = asyncio.create_task(server.serve([socket.socket(fileno=config.listen_fd)]))
    try:
        await _until_started(server, serving)
        ready()
        await stop.wait()
        await dispatch.drain()
    finally:
        server.should_exit = True
        await serving
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await stage.close()
        await desk.close()
        await tail.close()
        await client.aclose()


def _uvicorn_config(web: Starlette, settings: Settings, dispatch: Dispatch) -> uvicorn.Config:
    return uvicorn.Config(
        web,
        http=connections(settings, dispatch),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=settings.stop_deadline_ms // 1000,
    )


async def _until_started(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    while not server.started:
        if serving.done():
            await serving
            raise RuntimeError("the web server stopped before it had started")
        await asyncio.sleep(0.01)
