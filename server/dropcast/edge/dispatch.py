"""From a command that passed the session to the service that acts, and from its outcome to the reply.

Reserve, release and a join from memory are plain function calls. What must wait for something else (a payment,
a pin, a show that is not followed yet) gets a task of its own.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from dropcast.domain.faults import Fault
from dropcast.domain.trades import Outcome
from dropcast.domain.viewer import ANONYMOUS, Viewer
from dropcast.edge import replies
from dropcast.edge.session import refuse
from dropcast.edge.socket import LiveSocket
from dropcast.edge.tokens import TokenFault, Verifier
from dropcast.service.checkout import Checkout
from dropcast.service.clock import EngineClock
from dropcast.service.hosting import Hosting
from dropcast.service.trading import Trading
from dropcast.service.viewing import Viewing
from dropcast.settings import Settings
from dropcast.wire import commands, messages
from dropcast.wire.codes import Close
from dropcast.wire.commands import Command
from dropcast.wire.messages import Reply

logger = logging.getLogger(__name__)


class Dispatch:
    """All sockets of a worker, and what their commands set in motion."""

    def __init__(
        self,
        *,
        settings: Settings,
        verifier: Verifier,
        clock: EngineClock,
        viewing: Viewing,
        trading: Trading,
        checkout: Checkout,
        hosting: Hosting,
    ) -> None:
        self._settings = settings
        self._verifier = verifier
        self._clock = clock
        self._viewing = viewing
        self._trading = trading
        self._checkout = checkout
        self._hosting = hosting
        self._limits = messages.Limits(message_bytes_max=settings.message_bytes_max, tick_ms=settings.tick_ms)
        self.sockets: set[LiveSocket] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._acts: dict[type[Command], Callable[..., None]] = {
            commands.Hello: self._hello,
            commands.Auth: self._auth,
            commands.Ping: self._ping,
            commands.Watch: self._watch,
            commands.Leave: self._leave,
            commands.Reserve: self._reserve,
            commands.Release: self._release,
            commands.Checkout: self._pay,
            commands.Pin: self._pin,
            commands.Update: self._update,
            commands.Unpin: self._unpin,
            commands.Announce: self._announce,
        }

    # Sockets -----------------------------------------------------------------------------------------------

    def opened(self, socket: LiveSocket) -> None:
        self.sockets.add(socket)

    def lost(self, socket: LiveSocket) -> None:
        """The socket is no more: it leaves every room."""
        self.sockets.discard(socket)
        for show in socket.shows:
            self._viewing.leave(socket, show)
        socket.shows.clear()

    def on_command(self, socket: LiveSocket, command: Command) -> None:
        refusal = refuse(socket.state, socket.viewer, command, time.time())
        if refusal is not None:
            socket.send(replies.error(command.id, refusal.code, refusal.message))
        else:
            self._acts[type(command)](socket, command)

    async def drain(self) -> None:
        """Finish what was accepted, then tell every socket to come back elsewhere."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        for socket in list(self.sockets):
            socket.close(Close.GOING_AWAY)

    def _later(self, socket: LiveSocket, command: Command, work: Awaitable[Reply | None]) -> None:
        task = asyncio.ensure_future(self._answer(socket, command.id, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, socket: LiveSocket, re: int, work: Awaitable[Reply | None]) -> None:
        try:
            reply = await work
        except Fault as fault:
            reply = replies.fault(re, fault)
        except Exception:
            logger.exception("a command failed")
            reply = replies.error(re, "internal", "a fault of ours")
        if reply is not None:
            socket.send(reply)

    # Who ---------------------------------------------------------------------------------------------------

    def _hello(self, socket: LiveSocket, hello: commands.Hello) -> None:
        guest_token = ""
        viewer: Viewer = ANONYMOUS
        try:
            if hello.token is not None:
                viewer = self._verifier.verify(hello.token)
            elif self._settings.guest_buying:
                viewer, guest_token = self._verifier.mint_guest()
            elif not self._settings.anonymous_watching:
                raise TokenFault("unauthorized", "a token is required")
        except TokenFault as fault:
            socket.send(replies.error(hello.id, fault.code, fault.message))
            socket.close(Close.TOKEN_EXPIRED if fault.code == "token_expired" else Close.UNAUTHORIZED)
            return
        socket.opened(viewer)
        socket.send(
            messages.Welcome(
                re=hello.id,
                viewer=viewer.id,
                role=viewer.role.value,
                server_time_ms=self._clock.now_ms(),
                limits=self._limits,
                token=guest_token,
            )
        )

    def _auth(self, socket: LiveSocket, auth: commands.Auth) -> None:
        try:
            viewer = self._verifier.verify(auth.token)
        except TokenFault as fault:
            socket.send(replies.error(auth.id, fault.code, fault.message))
            return
        if viewer.id != socket.viewer.id:
            socket.send(
                replies.error(auth.id, "conflict", "the token is another viewer's: open a new socket")
            )
            return
        socket.viewer = viewer
        socket.send(
            messages.Welcome(
                re=auth.id,
                viewer=viewer.id,
                role=viewer.role.value,
                server_time_ms=self._clock.now_ms(),
                limits=self._limits,
            )
        )

    def _ping(self, socket: LiveSocket, ping: commands.Ping) -> None:
        socket.send(messages.Pong(re=ping.id, server_time_ms=self._clock.now_ms()))

    # Watching ----------------------------------------------------------------------------------------------

    def _watch(self, socket: LiveSocket, watch: commands.Watch) -> None:
        if watch.show not in socket.shows and len(socket.shows) >= self._settings.shows_per_socket_max:
            most = self._settings.shows_per_socket_max
            socket.send(replies.error(watch.id, "too_large", f"a socket watches {most} shows at most"))
            return
        # Noted before the answer, so that a socket lost meanwhile leaves the room.
        socket.shows.add(watch.show)
        answer = self._viewing.watch_now(socket, socket.viewer, watch)
        if answer is not None:
            socket.send(answer)
        else:
            self._later(socket, watch, self._watch_later(socket, watch))

    async def _watch_later(self, socket: LiveSocket, watch: commands.Watch) -> Reply | None:
        try:
            return await self._viewing.watch(socket, socket.viewer, watch)
        except Fault:
            socket.shows.discard(watch.show)
            raise

    def _leave(self, socket: LiveSocket, leave: commands.Leave) -> None:
        self._viewing.leave(socket, leave.show)
        socket.shows.discard(leave.show)
        socket.send(messages.Left(re=leave.id, show=leave.show))

    # Buying ------------------------------------------------------------------------------------------------

    def _reserve(self, socket: LiveSocket, reserve: commands.Reserve) -> None:
        def answer(outcome: Outcome | Fault) -> None:
            socket.send(replies.reserved(reserve.id, reserve.show, outcome))

        self._trading.reserve(socket, socket.viewer, reserve, answer)

    def _release(self, socket: LiveSocket, release: commands.Release) -> None:
        def answer(outcome: Outcome | Fault) -> None:
            socket.send(replies.released(release.id, release.show, outcome))

        self._trading.release(socket.viewer, release, answer)

    def _pay(self, socket: LiveSocket, checkout: commands.Checkout) -> None:
        async def pay() -> Reply:
            outcome, detail = await self._checkout.pay(
                checkout.show, socket.viewer, checkout.hold, checkout.payment
            )
            return replies.paid(checkout.id, checkout.show, outcome, detail)

        self._later(socket, checkout, pay())

    # Hosting -----------------------------------------------------------------------------------------------

    def _pin(self, socket: LiveSocket, pin: commands.Pin) -> None:
        async def act() -> Reply:
            drop, done = await self._hosting.pin(socket.viewer, pin)
            return messages.Done(re=pin.id, show=pin.show, seq=done.seq, drop=drop, again=done.again)

        self._later(socket, pin, act())

    def _update(self, socket: LiveSocket, update: commands.Update) -> None:
        async def act() -> Reply:
            done = await self._hosting.update(socket.viewer, update)
            return messages.Done(
                re=update.id, show=update.show, seq=done.seq, drop=update.drop, again=done.again
            )

        self._later(socket, update, act())

    def _unpin(self, socket: LiveSocket, unpin: commands.Unpin) -> None:
        async def act() -> Reply:
            done = await self._hosting.unpin(socket.viewer, unpin)
            return messages.Done(
                re=unpin.id, show=unpin.show, seq=done.seq, drop=unpin.drop, again=done.again
            )

        self._later(socket, unpin, act())

    def _announce(self, socket: LiveSocket, announce: commands.Announce) -> None:
        async def act() -> Reply:
            done = await self._hosting.announce(socket.viewer, announce)
            return messages.Done(re=announce.id, show=announce.show, seq=done.seq, again=done.again)

        self._later(socket, announce, act())
