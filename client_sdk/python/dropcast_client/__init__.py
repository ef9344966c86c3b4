"""The Python SDK of dropcast: watch a live show, hold and buy what it drops."""

from dropcast_client.asks import new_key
from dropcast_client.backoff import Backoff
from dropcast_client.client import Client
from dropcast_client.codes import Close, Local
from dropcast_client.errors import CallError, Disconnected, DropcastError, FellBehind, OutcomeUnknown
from dropcast_client.events import Event, Recovered, Resynced, Unknown
from dropcast_client.messages import (
    Announcement,
    Done,
    DropClosed,
    DropOpened,
    DropScheduled,
    DropUpdated,
    Held,
    HoldChanged,
    HoldExpired,
    HoldPlaced,
    HoldReleased,
    OrderConfirmed,
    Refused,
    Released,
    Restocked,
    SalesFrozen,
    SalesThawed,
    ShowEnded,
    ShowStarted,
    Sold,
    SoldOut,
    Stock,
    Viewers,
    Welcome,
)
from dropcast_client.parts import Card, CardVariant, DropView, HoldView, ShowView, State
from dropcast_client.show_state import Drop, ShowState
from dropcast_client.states import Connection, Phase
from dropcast_client.subscription import Subscription
from dropcast_client.sync import SyncClient, SyncSubscription

__all__ = [
    "Announcement",
    "Backoff",
    "CallError",
    "Card",
    "CardVariant",
    "Client",
    "Close",
    "Connection",
    "Disconnected",
    "Done",
    "Drop",
    "DropClosed",
    "DropOpened",
    "DropScheduled",
    "DropUpdated",
    "DropView",
    "DropcastError",
    "Event",
    "FellBehind",
    "Held",
    "HoldChanged",
    "HoldExpired",
    "HoldPlaced",
    "HoldReleased",
    "HoldView",
    "Local",
    "OrderConfirmed",
    "OutcomeUnknown",
    "Phase",
    "Recovered",
    "Refused",
    "Released",
    "Restocked",
    "Resynced",
    "SalesFrozen",
    "SalesThawed",
    "ShowEnded",
    "ShowStarted",
    "ShowState",
    "ShowView",
    "Sold",
    "SoldOut",
    "State",
    "Stock",
    "Subscription",
    "SyncClient",
    "SyncSubscription",
    "Unknown",
    "Viewers",
    "Welcome",
    "new_key",
]
