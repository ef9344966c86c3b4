"""From a command that passed the session to the service that acts, and from its outcome to the reply.

Reserve, release and a join from memory are plain function calls. What must wait for something else (a payment,
a pin, a show that is not followed yet) gets a task of its own.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from dropcast import logs
from dropcast.domain.faults import Fault, RateLimited
from dropcast.domain.trades import Outcome
from dropcast.domain.viewer import ANONYMOUS, Viewer
from dropcast.edge import replies
from dropcast.edge.addresses import Addresses
from dropcast.edge.host_commands import HostCommands
from dropcast.edge.session import refuse
from dropcast.edge.socket import LiveSocket
from dropcast.edge.sockets import Sockets
from dropcast.edge.tokens import TokenFault, Verifier
from dropcast.edge.watches import Watches
from dropcast.metrics import counts
from dropcast.service.buyer_limits import BuyerLimits
from dropcast.service.catching_up import CatchingUp
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
        addresses: Addresses,
        clock: EngineClock,
        viewing: Viewing,
        catching_up: CatchingUp,
        trading: Trading,
        buyer_limits: BuyerLimits,
        checkout: Checkout,
        hosting: Hosting,
    ) -> None:
        self._settings = settings
        self._verifier = verifier
        self._clock = clock
        self._trading = trading
        self._buyer_limits = buyer_limits
        self._checkout = checkout
        self._limits = messages.Limits(message_bytes_max=settings.message_bytes_max, tick_ms=settings.tick_ms)
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_turns_end: list[Callable[[], None]] = []
        self.sockets = Sockets(settings, viewing, catching_up, addresses, self._run)
        self._watches = Watches(settings, viewing, self._run)
        self._acts: dict[type[Command], Callable[..., None]] = {
            commands.Hello: self._hello,
            commands.Auth: self._auth,
            commands.Ping: self._ping,
            commands.Watch: self._watches.watch,
            commands.Leave: self._watches.leave,
            commands.Reserve: self._reserve,
            commands.Release: self._release,
            commands.Checkout: self._pay,
            **HostCommands(hosting, self._later).acts,
        }

    # Sockets -----------------------------------------------------------------------------------------------

    def on_command(self, socket: LiveSocket, command: Command) -> None:
        now_s = time.time() - self._settings.jwt_leeway_s
        refusal = refuse(socket.state, socket.viewer, command, now_s, had_token=bool(socket.identity))
        if refusal is not None:
            socket.send(replies.error(command.id, refusal.code, refusal.message))
        else:
            self._acts[type(command)](socket, command)

    def on_drained(self, socket: LiveSocket) -> None:
        self.sockets.on_drained(socket)

    def on_ended(self, socket: LiveSocket) -> None:
        self._watches.on_ended(socket)
        self.sockets.on_ended(socket)

    def on_gone(self, socket: LiveSocket) -> None:
        self.sockets.on_gone(socket)

    def at_turns_end(self, act: Callable[[], None]) -> None:
        if not self._at_turns_end:
            asyncio.get_running_loop().call_soon(self._end_turn)
        self._at_turns_end.append(act)

    def _end_turn(self) -> None:
        acts, self._at_turns_end = self._at_turns_end, []
        for act in acts:
            try:
                act()
            except Exception:
                # One socket must not cost the others their replies.
                logger.exception("what was left for the turn's end failed")

    async def drain(self, deadline_s: float) -> None:
        """Finish what was accepted and send every socket away, within `deadline_s` seconds."""
        ends_at_s = time.monotonic() + deadline_s
        await self.sockets.drain(deadline_s)
        if self._tasks:
            # What viewers who are gone have set in motion, such as a payment.
            await asyncio.wait(self._tasks, timeout=max(0.0, ends_at_s - time.monotonic()))

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _later(self, socket: LiveSocket, command: Command, work: Awaitable[Reply | None]) -> None:
        socket.accepted()
        self._run(self._answer(socket, command, work))

    async def _answer(self, socket: LiveSocket, command: Command, work: Awaitable[Reply | None]) -> None:
        show, hold = getattr(command, "show", ""), getattr(command, "hold", "")
        logs.about(**socket.ids, show=show, hold=hold)
        try:
            reply = await work
        except Fault as fault:
            reply = replies.fault(command.id, fault)
        except Exception:
            logger.exception("a command failed")
            reply = replies.error(command.id, "internal", "a fault of ours")
        socket.answer(reply)
        if reply is not None and type(reply) is messages.Error and reply.code == "rate_limited":
            self._slow_down(socket)

    def _slow_down(self, socket: LiveSocket) -> None:
        """A viewer was refused because of a rate: one who goes on and on is sent away, socket by socket."""
        if socket.viewer.id and self._buyer_limits.is_flood(socket.viewer.id):
            socket.close(Close.FLOOD)

    # Who ---------------------------------------------------------------------------------------------------

    def _hello(self, socket: LiveSocket, hello: commands.Hello) -> None:
        if hello.token is None and self.sockets.is_crowded:
            counts.limited["connections_max"] += 1
            socket.close(Close.TOO_MANY_CONNECTIONS)
            return
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
            self._close_unwelcome(socket, fault)
            return
        self._welcome(socket, hello.id, viewer, guest_token)

    def _auth(self, socket: LiveSocket, auth: commands.Auth) -> None:
        try:
            viewer = self._verifier.verify(auth.token)
        except TokenFault as fault:
            self._refuse_token(socket, auth.id, fault)
            return
        if viewer.id != socket.identity:
            socket.send(
                replies.error(auth.id, "conflict", "the token is another viewer's: open a new socket")
            )
            return
        self._welcome(socket, auth.id, viewer)

    def _refuse_token(self, socket: LiveSocket, re: int, fault: TokenFault) -> None:
        """Each costs a signature: a socket may be wrong about its token so many times."""
        socket.send(replies.error(re, fault.code, fault.message))
        socket.refused_tokens += 1
        if socket.refused_tokens >= self._settings.refused_tokens_per_socket_max:
            counts.limited["refused_tokens_per_socket_max"] += 1
            self._close_unwelcome(socket, fault)

    def _close_unwelcome(self, socket: LiveSocket, fault: TokenFault) -> None:
        socket.close(Close.TOKEN_EXPIRED if fault.code == "token_expired" else Close.UNAUTHORIZED)

    def _welcome(self, socket: LiveSocket, re: int, viewer: Viewer, guest_token: str = "") -> None:
        self.sockets.identify(socket, viewer)
        socket.send(
            messages.Welcome(
                re=re,
                viewer=viewer.id,
                role=viewer.role.value,
                server_time_ms=self._clock.now_ms(),
                limits=self._limits,
                token=guest_token,
            )
        )

    def _ping(self, socket: LiveSocket, ping: commands.Ping) -> None:
        socket.send(messages.Pong(re=ping.id, server_time_ms=self._clock.now_ms()))

    # Buying ------------------------------------------------------------------------------------------------

    def _reserve(self, socket: LiveSocket, reserve: commands.Reserve) -> None:
        def answer(outcome: Outcome | Fault) -> None:
            socket.answer(replies.reserved(reserve.id, reserve.show, outcome))
            if type(outcome) is RateLimited:
                self._slow_down(socket)

        socket.accepted()
        viewer = socket.viewer
        address = self.sockets.address_of(socket) if viewer.guest else ""
        self._trading.reserve(socket, viewer, reserve, answer, address)

    def _release(self, socket: LiveSocket, release: commands.Release) -> None:
        def answer(outcome: Outcome | Fault) -> None:
            socket.answer(replies.released(release.id, release.show, outcome))
            if type(outcome) is RateLimited:
                self._slow_down(socket)

        socket.accepted()
        self._trading.release(socket.viewer, release, answer)

    def _pay(self, socket: LiveSocket, checkout: commands.Checkout) -> None:
        async def pay() -> Reply:
            viewer = socket.viewer
            with self._buyer_limits.payment(viewer.id):
                outcome, detail = await self._checkout.pay(
                    checkout.show, viewer, checkout.hold, checkout.payment
                )
            return replies.paid(checkout.id, checkout.show, outcome, detail)

        self._later(socket, checkout, pay())
