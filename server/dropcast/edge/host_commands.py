"""The commands of a show's hosts on the socket: from a command that passed the session to hosting, and back to a reply.

Dispatch takes `acts` into its table. Each waits for the engine or the catalogue, so each gets a task: `later` makes it.
"""

from collections.abc import Awaitable, Callable

from dropcast.domain.ports import Done
from dropcast.edge.socket import LiveSocket
from dropcast.service.hosting import Hosting
from dropcast.wire import commands, messages
from dropcast.wire.commands import Command
from dropcast.wire.messages import Reply

Later = Callable[[LiveSocket, Command, Awaitable[Reply | None]], None]


class HostCommands:
    def __init__(self, hosting: Hosting, later: Later) -> None:
        self._hosting = hosting
        self._later = later
        self.acts: dict[type[Command], Callable[..., None]] = {
            commands.Pin: self._pin,
            commands.Update: self._update,
            commands.Unpin: self._unpin,
            commands.Announce: self._announce,
            commands.Freeze: self._freeze,
            commands.Thaw: self._thaw,
            commands.Mute: self._mute,
            commands.Ban: self._ban,
        }

    def _pin(self, socket: LiveSocket, pin: commands.Pin) -> None:
        async def act() -> Reply:
            drop, done = await self._hosting.pin(socket.viewer, pin)
            return _done(pin.id, pin.show, done, drop)

        self._later(socket, pin, act())

    def _update(self, socket: LiveSocket, update: commands.Update) -> None:
        work = self._hosting.update(socket.viewer, update)
        self._host(socket, update, update.show, work, update.drop)

    def _unpin(self, socket: LiveSocket, unpin: commands.Unpin) -> None:
        self._host(socket, unpin, unpin.show, self._hosting.unpin(socket.viewer, unpin), unpin.drop)

    def _announce(self, socket: LiveSocket, announce: commands.Announce) -> None:
        self._host(socket, announce, announce.show, self._hosting.announce(socket.viewer, announce))

    def _freeze(self, socket: LiveSocket, freeze: commands.Freeze) -> None:
        self._host(socket, freeze, freeze.show, self._hosting.freeze(socket.viewer, freeze.show))

    def _thaw(self, socket: LiveSocket, thaw: commands.Thaw) -> None:
        self._host(socket, thaw, thaw.show, self._hosting.thaw(socket.viewer, thaw.show))

    def _mute(self, socket: LiveSocket, mute: commands.Mute) -> None:
        work = self._hosting.mute(socket.viewer, mute.show, mute.viewer, mute.mute)
        self._host(socket, mute, mute.show, work)

    def _ban(self, socket: LiveSocket, ban: commands.Ban) -> None:
        work = self._hosting.ban(socket.viewer, ban.show, ban.viewer, ban.ban)
        self._host(socket, ban, ban.show, work)

    def _host(
        self, socket: LiveSocket, command: Command, show: str, work: Awaitable[Done], drop: str = ""
    ) -> None:
        async def act() -> Reply:
            return _done(command.id, show, await work, drop)

        self._later(socket, command, act())


def _done(re: int, show: str, done: Done, drop: str = "") -> messages.Done:
    return messages.Done(re=re, show=show, seq=done.seq, drop=drop, again=done.again)
