"""What `dropcast_client` exports is a promise: adding is a choice, taking away is a break."""

import dropcast_client

EXPORTS = """
Announcement Backoff CallError Card CardVariant Client Close Connection Disconnected Done Drop DropClosed
DropOpened DropUpdated DropView DropcastError Event FellBehind Held HoldChanged HoldExpired HoldPlaced
HoldReleased HoldView Local OrderConfirmed OutcomeUnknown Phase Recovered Refused Released Restocked Resynced
ShowEnded ShowStarted ShowState ShowView Sold SoldOut State Stock Subscription Unknown Viewers Welcome new_key
"""


def test_the_exports_are_these() -> None:
    assert sorted(dropcast_client.__all__) == sorted(EXPORTS.split())


def test_every_export_is_there() -> None:
    assert [name for name in dropcast_client.__all__ if not hasattr(dropcast_client, name)] == []
