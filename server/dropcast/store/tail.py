"""The tail: implements the port ShowTail. One connection hears the channels of all shows that this worker follows.

In come publications, decoded once and handed to whoever follows the show. After a lost connection everything is
subscribed again; each confirmation says that publications may be missing before it.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncGenerator, Callable
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from dropcast.domain.events import Publication
from dropcast.domain.faults import EngineAway, Fault
from dropcast.metrics import counts
from dropcast.store.connection import engine_faults
from dropcast.store.engine_watch import EngineWatch
from dropcast.store.keys import Keys

logger = logging.getLogger(__name__)

QUIET_S = 5.0
"""After this long without a message the engine is asked whether it is there; twice that is a lost connection."""
_BACKOFF_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)

_PUBLICATION = msgspec.msgpack.Decoder(Publication)


class _Follower(msgspec.Struct, frozen=True):
    show: str
    on_publication: Callable[[Publication], None]
    on_confirmed: Callable[[], None]


class Tail:
    """Implements ShowTail. Owns its client."""

    def __init__(
        self, client: Redis, keys: Keys, *, quiet_s: float = QUIET_S, watch: EngineWatch | None = None
    ) -> None:
        """`watch` hears whether the connection is lost; by default nobody does."""
        self._client = client
        self._keys = keys
        self._watch = watch or EngineWatch(logged=False)
        self._quiet_s = quiet_s
        self._followers: dict[bytes, _Follower] = {}
        self._pubsub: PubSub | None = None
        self._broken = False
        self._reader: asyncio.Task[None] | None = None

    async def follow(
        self, show: str, on_publication: Callable[[Publication], None], on_confirmed: Callable[[], None]
    ) -> None:
        """Subscribe; returns at once, also while the engine is away: `on_confirmed` tells when it is done.

        A show has one follower; another one takes its place.
        """
        self._keys.all_of_show(show)
        channel = self._keys.channel(show).encode()
        self._followers[channel] = _Follower(show, on_publication, on_confirmed)
        if self._reader is None:
            self._reader = asyncio.get_running_loop().create_task(self._run())
        else:
            await self._tell("SSUBSCRIBE", channel)

    async def unfollow(self, show: str) -> None:
        channel = self._keys.channel(show).encode()
        if self._followers.pop(channel, None) is not None:
            await self._tell("SUNSUBSCRIBE", channel)

    async def close(self) -> None:
        """Hear nothing any more, and close the client."""
        self._followers.clear()
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
            self._reader = None
        await self._client.aclose()

    async def _tell(self, command: str, channel: bytes) -> None:
        """Tell an open connection; one that is being opened subscribes to all followed channels anyway."""
        pubsub = self._pubsub
        if pubsub is None:
            return
        try:
            with engine_faults():
                await pubsub.execute_command(command, channel)
        except (Fault, AttributeError):
            # The client fails with the latter on a connection that is being given up at this moment.
            # The client may have connected anew by itself, without the subscriptions.
            self._broken = True

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                async with contextlib.aclosing(self._messages()) as messages:
                    async for message in messages:
                        failures = 0
                        self._watch.channels_heard()
                        self._take(message)
            except Exception as error:
                wait_s = random.uniform(0, _BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
                failures += 1
                counts.tail_losses += 1
                self._watch.channels_lost(error)
                if not isinstance(error, Fault):
                    logger.warning("the connection to the shows' channels failed", exc_info=error)
                await asyncio.sleep(wait_s)

    async def _messages(self) -> AsyncGenerator[dict[str, Any], None]:
        """Connect, subscribe to all that is followed, and give messages until the connection is lost."""
        pubsub = self._client.pubsub()
        self._broken = False
        try:
            with engine_faults():
                await pubsub.connect()  # type: ignore[no-untyped-call]
                self._pubsub = pubsub
                if self._followers:
                    await pubsub.execute_command("SSUBSCRIBE", *self._followers)
            asked = False
            while True:
                with engine_faults():
                    message = await pubsub.get_message(timeout=self._quiet_s)
                if self._broken:
                    raise EngineAway("a subscription could not be sent")
                if message is not None:
                    asked = False
                    yield message
                elif asked:
                    raise EngineAway("the engine is silent")
                else:
                    asked = True
                    with engine_faults():
                        await pubsub.execute_command("PING")
        finally:
            self._pubsub = None
            await pubsub.aclose()  # type: ignore[no-untyped-call]

    def _take(self, message: dict[str, Any]) -> None:
        follower = self._followers.get(message["channel"])
        if follower is None:
            return
        try:
            if message["type"] == "smessage":
                follower.on_publication(_PUBLICATION.decode(message["data"]))
            elif message["type"] == "ssubscribe":
                follower.on_confirmed()
        except Exception:
            # The follower notices by the next publication's numbers that this one is missing, and reads again.
            logger.exception("show %s: a publication could not be taken", follower.show)
