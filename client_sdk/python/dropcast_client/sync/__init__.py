"""The client without an event loop: the same session, driven by threads (or greenlets, under gevent)."""

from dropcast_client.sync.client import SyncClient
from dropcast_client.sync.subscription import SyncSubscription

__all__ = ["SyncClient", "SyncSubscription"]
