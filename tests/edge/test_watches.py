"""Whose shows a socket's watches make its own, by a socket and a viewing that only note what is asked of them."""

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

import pytest

from dropcast.domain.faults import EngineAway, Fault
from dropcast.domain.viewer import ANONYMOUS
from dropcast.edge.socket import LiveSocket
from dropcast.edge.watches import Watches
from dropcast.service.viewing import Viewing
from dropcast.settings import Settings
from dropcast.wire import commands
from dropcast.wire.messages import Error, Message, Watching

AWAY = EngineAway("it does not answer")


class Socket:
    """Notes its answers, and how many are still owed."""

    viewer = ANONYMOUS
    watch_budget = None

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self.shows: set[str] = set()
        self.pending = 0
        self.answers: list[str] = []

    def accepted(self) -> None:
        self.pending += 1

    def answer(self, message: Message | None) -> None:
        self.pending -= 1
        if message is not None:
            self.answers.append(message.code if isinstance(message, Error) else type(message).__name__)

    def send(self, message: Message) -> None:
        self.answers.append(type(message).__name__)


class ViewingByTurns:
    """Answers each watch as it is told: with a fault, or by joining."""

    def __init__(self, *turns: Fault | None) -> None:
        self._turns = list(turns)
        self.room: set[Socket] = set()

    def watch_now(self, *_: object) -> None:
        return None

    async def watch(self, socket: Socket, _viewer: object, watch: commands.Watch) -> Watching:
        await asyncio.sleep(0)
        fault = self._turns.pop(0)
        if fault is not None:
            raise fault
        self.room.add(socket)
        return Watching(re=watch.id, show=watch.show, epoch="e", seq=0, recovered=False)

    def is_watching(self, socket: Socket, _show: str) -> bool:
        return socket in self.room

    def leave(self, socket: Socket, _show: str) -> None:
        self.room.discard(socket)


@pytest.mark.parametrize(
    ("turns", "answers", "stays"),
    [
        ((AWAY,), ["engine_away"], False),
        ((AWAY, AWAY), ["engine_away", "engine_away"], False),
        ((AWAY, None), ["engine_away", "Watching"], True),
        ((None, AWAY), ["Watching", "engine_away"], True),
    ],
)
async def test_a_show_is_the_sockets_when_any_of_the_watches_that_wait_joined_its_room(
    turns: tuple[Fault | None, ...], answers: list[str], stays: bool
) -> None:
    socket, viewing = Socket(), ViewingByTurns(*turns)
    tasks: list[asyncio.Task[None]] = []

    def later(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(work))
        return tasks[-1]

    watches = Watches(Settings(), cast(Viewing, viewing), later)
    member = cast(LiveSocket, socket)
    for number in range(len(turns)):
        watches.watch(member, commands.Watch(id=number, show="s"))
    await asyncio.gather(*tasks)
    assert socket.answers == answers
    assert socket.pending == 0
    assert len(watches) == 0
    assert (socket.shows == {"s"}) is stays
    assert (socket in viewing.room) is stays
