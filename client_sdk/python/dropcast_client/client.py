"""The client: what an application uses. Behind it, shell.py moves the bytes and session.py decides."""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from ssl import SSLContext
from typing import Any, Literal, Self, TypeVar
import asyncio
import time

from dropcast_client.backoff import Backoff
from dropcast_client.codec import CODECS
from dropcast_client.commands import (
    Announce,
    Auth,
    Checkout,
    Command,
    Pin,
    Ping,
    Release,
    Reserve,
    Unpin,
    Update,
)
from dropcast_client.errors import Disconnected, fault_of
from dropcast_client.events import Event
from dropcast_client.messages import Done, Held, HoldView, Pong, Refused, Released, Sold, Welcome
from dropcast_client.session import Session
from dropcast_client.shell import OnFrame, OnState, Shell, TokenSource
from dropcast_client.states import Connection, Phase
from dropcast_client.subscription import OnEvent, Subscription

