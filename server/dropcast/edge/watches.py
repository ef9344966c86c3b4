"""Watches: how a socket comes to follow a show and leaves it again, one watch at a time for each show.

Called by dispatch. A watch that memory can answer is answered at once; another one gets a task, which ends with its
socket. A second watch of the same show waits for the first, further ones are refused; so is a socket that has more
sent to it by watching again and again than it may.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from dropcast import logs
from dropcast.domain.faults import Fault
from dropcast.edge import replies
from dropcast.edge.socket import LiveSocket
from dropcast.metrics import counts
from dropcast.service.budget import ByteBudget
from dropcast.service.viewing import Viewing
from dropcast.settings import Settings
from dropcast.wire import commands, messages
from dropcast.wire.messages import Reply, Watching

logger = logging.getLogger(__name__)

_AFTER_THE_FIRST = ByteBudget(1, 1, 0.0)
"""Stands for the budget of a socket that has been answered one watch: nothing is taken from it."""


class _Queue:
    """The watches of one socket for one show: the first is under way, the others wait."""

    __slots__ = ("task", "watches")

    def __init__(self, first: commands.Watch) -> None:
        self.watches = deque((first,))
        self.task: asyncio.Task[None] | None = None


class Watches:
    def __init__(
        self,
        settings: Settings,
        viewing: Viewing,
        later: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        """`later` runs a coroutine as a task of the worker's."""
        self._settings = settings
        self._viewing = viewing
        self._later = later
        self._queues: dict[LiveSocket, dict[str, _Queue]] = {}

    def __len__(self) -> int:
        """How many sockets have watches under way."""
        return len(self._queues)

    def watch(self, socket: LiveSocket, watch: commands.Watch) -> None:
        queues = self._queues.get(socket)
        queue = queues.get(watch.show) if queues is not None else None
        fault = self._fault(socket, watch.show, queue)
        if fault is not None:
            socket.send(replies.error(watch.id, *fault))
            return
        if queue is not None:
            socket.accepted()
            queue.watches.append(watch)
            return
        # Noted before the answer, so that a socket lost meanwhile leaves the room.
        socket.shows.add(watch.show)
        answer = self._viewing.watch_now(socket, socket.viewer, watch)
        if answer is not None:
            self._charge(socket, answer)
            socket.send(answer)
            return
        socket.accepted()
        queue = self._queues.setdefault(socket, {})[watch.show] = _Queue(watch)
        queue.task = self._later(self._carry_out(socket, watch.show, queue))

    def leave(self, socket: LiveSocket, leave: commands.Leave) -> None:
        """Leave a show. Watches of it that have no answer yet get none but that they were given up."""
        for watch in self._give_up(socket, leave.show):
            socket.answer(replies.error(watch.id, "conflict", "the show was left before it was watched"))
        self._viewing.leave(socket, leave.show)
        socket.shows.discard(leave.show)
        socket.send(messages.Left(re=leave.id, show=leave.show))

    def on_ended(self, socket: LiveSocket) -> None:
        """Nobody is there any more to be answered: what is under way for the socket ends."""
        for show in list(self._queues.get(socket, ())):
            for _ in self._give_up(socket, show):
                socket.answer(None)

    def _fault(self, socket: LiveSocket, show: str, queue: _Queue | None) -> tuple[str, str] | None:
        """Return why a show may not be watched now, or None."""
        settings = self._settings
        most = settings.shows_per_socket_max
        if show not in socket.shows and len(socket.shows) >= most:
            return "too_large", f"a socket watches {most} shows at most"
        if queue is not None and len(queue.watches) >= settings.watches_per_show_max:
            counts.limited["watches_per_show_max"] += 1
            return "rate_limited", "the show is being watched already; wait for the answer"
        budget = socket.watch_budget
        if budget is not None and not budget.allows(asyncio.get_running_loop().time()):
            counts.limited["watch_bytes_per_s"] += 1
            return "rate_limited", "watched again too often; slow down"
        return None

    def _charge(self, socket: LiveSocket, answer: Watching) -> None:
        """Count what an answer weighs, but the first one of a socket: most sockets have no other."""
        if socket.watch_budget is None:
            socket.watch_budget = _AFTER_THE_FIRST
            return
        if socket.watch_budget is _AFTER_THE_FIRST:
            settings = self._settings
            now_s = asyncio.get_running_loop().time()
            socket.watch_budget = ByteBudget(settings.watch_bytes_per_s, settings.command_burst_s, now_s)
        socket.watch_budget.spend(_weight(answer))

    def _give_up(self, socket: LiveSocket, show: str) -> deque[commands.Watch]:
        """End what is under way for a socket and a show; return the watches that have no answer."""
        queues = self._queues.get(socket, {})
        queue = queues.pop(show, None)
        if queue is None:
            return deque()
        if not queues:
            del self._queues[socket]
        assert queue.task is not None
        queue.task.cancel()
        return queue.watches

    async def _carry_out(self, socket: LiveSocket, show: str, queue: _Queue) -> None:
        logs.about(**socket.ids, show=show)
        while queue.watches:
            reply = await self._answer(socket, queue.watches[0])
            # Whoever gives the watches up cancels the task: this one is still to be answered.
            queue.watches.popleft()
            if isinstance(reply, Watching):
                self._charge(socket, reply)
            if not queue.watches:
                self._end_queue(socket, show)
            socket.answer(reply)

    def _end_queue(self, socket: LiveSocket, show: str) -> None:
        """All watches of a show are answered. It stays the socket's only if one of them did not fail."""
        queues = self._queues[socket]
        del queues[show]
        if not queues:
            del self._queues[socket]
        if not self._viewing.is_watching(socket, show):
            socket.shows.discard(show)

    async def _answer(self, socket: LiveSocket, watch: commands.Watch) -> Reply | None:
        viewer = socket.viewer
        try:
            reply = await self._viewing.watch(socket, viewer, watch)
        except Fault as fault:
            return replies.fault(watch.id, fault)
        except Exception:
            logger.exception("a watch failed")
            return replies.error(watch.id, "internal", "a fault of ours")
        if socket.viewer.id != viewer.id:
            # The token has expired, or was renewed, meanwhile.
            self._viewing.rename(socket, watch.show, socket.viewer)
        return reply


def _weight(answer: Watching) -> int:
    """Return the bytes that an answer carries."""
    state = len(answer.state) if answer.state is not None else 0
    return state + sum(len(event) for event in answer.events or ())
