"""A viewer who watches a show at a given server and keeps all that is said, for tests that compare servers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from dropcast_client import Client, Event, ShowState, Subscription
from tests.support.house import House
from tests.support.wait import wait_until

Kind = TypeVar("Kind", bound=Event)


class Watcher:
    """See the module. Its `client` may be used for calls too."""

    def __init__(self, client: Client, show: str) -> None:
        self.client = client
        self.heard: list[Event] = []
        self.subscription: Subscription = client.subscribe(show, self.heard.append)

    @property
    def state(self) -> ShowState:
        assert self.subscription.state is not None
        return self.subscription.state

    def all_of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.heard if isinstance(event, kind)]

    async def hears(self, kind: type[Kind], count: int = 1) -> Kind:
        """Wait until it has heard `count` events of a kind; return the last one of them."""
        await wait_until(lambda: len(self.all_of(kind)) >= count)
        return self.all_of(kind)[count - 1]


@asynccontextmanager
async def watching(
    house: House, show: str, viewer: str | None = None, role: str = "viewer"
) -> AsyncIterator[Watcher]:
    """A viewer, without a name an anonymous one, who has the show's state."""
    async with house.client(viewer, role) as client:
        watcher = Watcher(client, show)
        await watcher.subscription.ready()
        yield watcher
