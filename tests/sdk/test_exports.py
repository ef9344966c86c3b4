"""What `dropcast_client` exports is a promise: adding is a choice, taking away is a break."""

import inspect

import pytest

import dropcast_client
from dropcast_client import Client, Done, Held, Refused, SyncClient

EXPORTS = """
Announcement Backoff CallError Card CardVariant Client Close Connection Disconnected Done Drop DropClosed
DropOpened DropScheduled DropUpdated DropView DropcastError Event FellBehind Held HoldChanged HoldExpired
HoldPlaced HoldReleased HoldView Local OrderConfirmed OutcomeUnknown Phase Recovered Refused Released Restocked
Resynced SalesFrozen SalesThawed ShowEnded ShowStarted ShowState ShowView Sold SoldOut State Stock Subscription
SyncClient SyncSubscription Unknown Viewers Welcome new_key
"""


def test_the_exports_are_these() -> None:
    assert sorted(dropcast_client.__all__) == sorted(EXPORTS.split())


def test_every_export_is_there() -> None:
    assert [name for name in dropcast_client.__all__ if not hasattr(dropcast_client, name)] == []


CALLS = (
    "reserve",
    "release",
    "checkout",
    "pin",
    "update",
    "unpin",
    "announce",
    "mute",
    "ban",
    "freeze",
    "thaw",
)


@pytest.mark.parametrize("client", [Client, SyncClient])
def test_calls_show_their_words_fields_and_replies(client: type) -> None:
    for name in CALLS:
        call = getattr(client, name)
        assert call.__name__ == name
        assert call.__doc__
        assert "timeout_s" in inspect.signature(call).parameters
    assert inspect.signature(getattr(client, "reserve")).return_annotation == Held | Refused  # noqa: B009
    assert inspect.signature(getattr(client, "freeze")).return_annotation is Done  # noqa: B009


def test_both_clients_have_the_same_methods() -> None:
    public = [{name for name in dir(client) if not name.startswith("_")} for client in (Client, SyncClient)]
    assert public[0] == public[1]
