"""A tour of a real show with one shell: told to a player by test_on_a_server.py, and by itself under gevent.

python -m tests.sdk.behaviour.tour URL SHOW HOST_TOKEN OPERATOR_TOKEN VIEWER_TOKEN
"""

import sys
from collections.abc import Callable
from typing import Any

from dropcast_client import (
    CallError,
    DropClosed,
    DropOpened,
    DropScheduled,
    Event,
    Held,
    Refused,
    Resynced,
    SalesFrozen,
    SalesThawed,
    Sold,
)
from tests.sdk.behaviour.players import Player, SyncPlayer, View
from tests.support.wait import wait_until_sync

NewPlayer = Callable[..., Player]


class Tour:
    """Three clients of one shell: who hosts the show, who operates the server, and who buys."""

    def __init__(self, player_of: NewPlayer, url: str, show: str, tokens: tuple[str, str, str]) -> None:
        self.show = show
        self.host, self.operator, self.viewer = (player_of(url, token=token) for token in tokens)
        for player in (self.host, self.operator, self.viewer):
            player.connect()

    def until(self, view: View, kind: type[Event]) -> Any:
        """Take events up to the first of a kind."""
        while not isinstance(event := view.take(), kind):
            assert event is not None
        return event

    def reserve(self, drop: str, **fields: Any) -> Any:
        return self.viewer.ask("reserve", show=self.show, drop=drop, sku="SCARF-RED", **fields)

    def pin(self, **fields: Any) -> str:
        done = self.host.ask("pin", show=self.show, product="scarf", units={"SCARF-RED": 5}, **fields)
        drop: str = done.drop
        return drop

    # Stations --------------------------------------------------------------------------------------------

    def buying(self) -> None:
        view = self.viewer.subscribe(self.show)
        self.until(view, Resynced)
        drop = self.pin(limit=3)
        assert self.until(view, DropOpened).drop.drop == drop
        held = self.reserve(drop, key="k1")
        assert isinstance(held, Held)
        assert self.reserve(drop, key="k1").hold == held.hold
        sold = self.viewer.ask("checkout", show=self.show, hold=held.hold, payment="tok_approve")
        assert isinstance(sold, Sold)
        over = self.reserve(drop, qty=3)
        assert isinstance(over, Refused)
        assert (over.reason, over.free) == ("limit", 2)

    def a_drop_with_a_window(self) -> None:
        view = self.viewer.subscribe(self.show)
        self.until(view, Resynced)
        now_ms = int(self.host.client.server_time_ms())
        window = {"opens_at_ms": now_ms + 700, "closes_at_ms": now_ms + 1_500, "reveal_at_ms": now_ms + 300}
        drop = self.pin(**window)
        scheduled = self.until(view, DropScheduled)
        assert scheduled.drop.opens_at_ms == window["opens_at_ms"]
        early = self.reserve(drop)
        assert isinstance(early, Refused)
        assert early.reason == "not_open"
        opened = self.until(view, DropOpened)
        assert opened.at_ms >= window["opens_at_ms"]
        assert isinstance(self.reserve(drop), Held)
        assert self.until(view, DropClosed).at_ms >= window["closes_at_ms"]

    def freezing(self) -> None:
        view = self.viewer.subscribe(self.show)
        self.until(view, Resynced)
        drop = self.pin()
        self.operator.ask("freeze", show=self.show)
        assert self.until(view, SalesFrozen).reason == "operator"
        assert view.ready().frozen
        assert self.reserve(drop).reason == "frozen"
        self.operator.ask("thaw", show=self.show)
        self.until(view, SalesThawed)
        assert isinstance(self.reserve(drop), Held)

    def keeping_order(self) -> None:
        view = self.viewer.subscribe(self.show)
        self.until(view, Resynced)
        drop = self.pin()
        assert self.viewer.client.welcome is not None
        who = {"show": self.show, "viewer": self.viewer.client.welcome.viewer}
        self.host.ask("mute", **who)
        assert self.reserve(drop).reason == "muted"
        self.host.ask("mute", **who, mute=False)
        assert isinstance(self.reserve(drop), Held)
        self.host.ask("ban", **who)
        error = view.wait_ended()
        assert isinstance(error, CallError)
        assert error.code == "banned"
        self.host.ask("ban", **who, ban=False)
        wait_until_sync(self._may_watch)  # the viewer's worker may hear of it a moment after the host's

    def _may_watch(self) -> bool:
        view = self.viewer.subscribe(self.show)
        try:
            return isinstance(view.take(), Resynced)
        except CallError as error:
            if error.code != "banned":
                raise
            return False


def main(url: str, show: str, *tokens: str) -> None:
    host, operator, viewer = tokens
    tour = Tour(SyncPlayer, url, show, (host, operator, viewer))
    tour.buying()
    for player in (tour.host, tour.operator, tour.viewer):
        player.close()
    print("bought")


if __name__ == "__main__":
    main(*sys.argv[1:])
