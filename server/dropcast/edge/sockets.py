"""All live sockets of a worker: whose they are, whose tokens expire, who is too slow, and how they are sent away."""

import asyncio
import contextlib
import logging
import math
import random
import time
from collections.abc import Callable, Coroutine
from typing import Any

from dropcast.domain.viewer import ANONYMOUS, Role, Viewer
from dropcast.edge import replies
from dropcast.edge.addresses import Addresses, key_of
from dropcast.edge.expiry import Expiries
from dropcast.edge.pulse import VISITS_PER_STALL
from dropcast.edge.socket import CLOSE_DEADLINE_S, LiveSocket
from dropcast.service.catching_up import CatchingUp, Progress
from dropcast.service.viewing import Viewing
from dropcast.settings import Settings
from dropcast.wire import messages
from dropcast.wire.codes import Close

logger = logging.getLogger(__name__)

_EXPIRY_ROUND_S = 1.0
_VISIT_STEPS = 16
"""A round of visits is spread over its time, so that no turn of the loop writes thousands of pings."""
_ANONYMOUS_SHARE = 0.9
"""Above this share of `connections_max` a viewer without a token is refused."""
_DRAIN_STEP_S = 0.1
_DRAIN_BATCH_MIN = 50


class Sockets:
    def __init__(
        self,
        settings: Settings,
        viewing: Viewing,
        catching_up: CatchingUp,
        addresses: Addresses,
        later: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        """`later` runs a coroutine as a task of the worker's."""
        self._settings = settings
        self._viewing = viewing
        self._catching_up = catching_up
        self._later = later
        self._addresses = addresses
        self._open: set[LiveSocket] = set()
        self._closing: set[LiveSocket] = set()
        self._address_of: dict[LiveSocket, str] = {}
        self._left = asyncio.Event()
        """Set whenever a socket ends or is gone."""
        self._expiries: Expiries[LiveSocket] = Expiries()
        self._from_log: dict[LiveSocket, asyncio.Task[None]] = {}
        """Slow sockets for which the event log is read."""
        self.is_draining = False
        """Whether the worker is stopping: it takes no new socket."""

    def __len__(self) -> int:
        return len(self._open)

    def count(self) -> int:
        """Return how many there are, with those that are closing."""
        return len(self._open) + len(self._closing)

    @property
    def is_full(self) -> bool:
        """Whether no other socket may come in."""
        return self.count() >= self._settings.connections_max

    @property
    def is_crowded(self) -> bool:
        """Whether what room is left is for viewers with a token."""
        return self.count() > self._settings.connections_max * _ANONYMOUS_SHARE

    def add(self, socket: LiveSocket, address: str) -> None:
        """Take in a socket that was counted by its client's `address`, if by any."""
        self._open.add(socket)
        self._address_of[socket] = address

    def address_of(self, socket: LiveSocket) -> str:
        """Return the address by which a socket is counted, an IPv6 one as its /64; "" when there is none."""
        address = self._address_of.get(socket, "")
        return key_of(address) if address else ""

    def on_ended(self, socket: LiveSocket) -> None:
        """It leaves every room; its connection may live on for a moment."""
        self._open.discard(socket)
        self._closing.add(socket)
        self._left.set()
        self._expiries.discard(socket)
        reading = self._from_log.pop(socket, None)
        if reading is not None:
            reading.cancel()
        for show in socket.shows:
            self._viewing.leave(socket, show)
        socket.shows.clear()

    def on_gone(self, socket: LiveSocket) -> None:
        self._closing.discard(socket)
        self._left.set()
        address = self._address_of.pop(socket, "")
        if address:
            self._addresses.leave(address)

    # Whose -------------------------------------------------------------------------------------------------

    def identify(self, socket: LiveSocket, viewer: Viewer) -> None:
        """The socket is `viewer`'s, by hello, by auth, or because a token expired."""
        renamed = viewer.id != socket.viewer.id
        socket.become(viewer, self._commands_per_s(viewer.role))
        if viewer.expires_at_s is None:
            self._expiries.discard(socket)
        else:
            self._expiries.put(socket, viewer.expires_at_s + self._settings.jwt_leeway_s)
        if renamed:
            for show in socket.shows:
                self._viewing.rename(socket, show, viewer)

    def _commands_per_s(self, role: Role) -> int:
        if role is Role.ANONYMOUS:
            return self._settings.anonymous_commands_per_s
        if role is Role.VIEWER:
            return self._settings.viewer_commands_per_s
        return self._settings.host_commands_per_s

    def expire(self, now_s: float) -> None:
        """See to the sockets whose tokens have expired by `now_s`, seconds since 1970."""
        stays = self._settings.at_token_expiry == "anonymous" and self._settings.anonymous_watching
        for socket in self._expiries.pop_due(now_s):
            if stays:
                self.identify(socket, ANONYMOUS)
                socket.send(replies.error(None, "token_expired", "the token has expired; renew it by auth"))
            else:
                socket.finish(Close.TOKEN_EXPIRED)

    # Slow viewers ------------------------------------------------------------------------------------------

    def on_drained(self, socket: LiveSocket) -> None:
        """Make good what a socket has missed, and let it take part again when nothing is missing."""
        if socket.is_choked() or not socket.is_open:
            return
        for show in list(socket.shows):
            progress = self._catching_up.now(socket, show)
            while progress is Progress.MORE and not socket.is_choked():
                progress = self._catching_up.now(socket, show)
            if progress is Progress.LOG:
                if socket not in self._from_log:
                    self._from_log[socket] = self._later(self._catch_up_from_log(socket, show))
                return
            if socket.is_choked():
                return  # it goes on when that is drained
        socket.unchoke()

    async def _catch_up_from_log(self, socket: LiveSocket, show: str) -> None:
        try:
            await self._catching_up.from_log(socket, show)
        finally:
            self._from_log.pop(socket, None)
        self.on_drained(socket)

    # Time --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look after the sockets until cancelled."""
        await asyncio.gather(self._expire(), self._visit())

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(_EXPIRY_ROUND_S)
            self.expire(time.time())

    async def _visit(self) -> None:
        loop = asyncio.get_running_loop()
        step_s = self._settings.stall_ms / 1000 / VISITS_PER_STALL / _VISIT_STEPS
        due_s = loop.time()
        while True:
            sockets = list(self._open)
            share = -(-len(sockets) // _VISIT_STEPS)
            dropped = 0
            for step in range(_VISIT_STEPS):
                now_s = loop.time()
                for socket in sockets[step * share : (step + 1) * share]:
                    dropped += socket.is_open and socket.visit(now_s)
                # A late step does not delay the next; but after a pause of the whole process there is no rush.
                due_s = max(due_s + step_s, loop.time())
                await asyncio.sleep(due_s - loop.time())
            if dropped:
                logger.info("%d viewers were too slow and are dropped", dropped)

    # The end -----------------------------------------------------------------------------------------------

    async def drain(self, deadline_s: float) -> None:
        """Send everyone away, a batch at a time, each once its commands are answered. `deadline_s`: at most so long.

        Batches and hints are spread, so that those who come back do not come as one.
        """
        self.is_draining = True
        loop = asyncio.get_running_loop()
        ends_at_s = loop.time() + deadline_s
        sockets = list(self._open)
        random.shuffle(sockets)
        pace_s = min(self._settings.drain_ms / 1000, deadline_s / 2)
        batch = max(_DRAIN_BATCH_MIN, math.ceil(len(sockets) * _DRAIN_STEP_S / max(pace_s, _DRAIN_STEP_S)))
        told: list[LiveSocket] = []
        while sockets or told:
            # What was on its way when they were told is still accepted: they end one step later.
            for socket in told:
                socket.finish(Close.GOING_AWAY)
            told, sockets = sockets[:batch], sockets[batch:]
            for socket in told:
                socket.send(messages.GoingAway(after_ms=random.randint(0, self._settings.come_back_ms)))
            if told:
                await asyncio.sleep(_DRAIN_STEP_S)
        await self._until_empty(self._open, ends_at_s - CLOSE_DEADLINE_S)
        for socket in list(self._open):
            socket.close(Close.GOING_AWAY)
        await self._until_empty(self._closing, ends_at_s)
        for socket in list(self._closing):
            socket.transport.abort()

    async def _until_empty(self, sockets: set[LiveSocket], until_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                while sockets:
                    self._left.clear()
                    await self._left.wait()
