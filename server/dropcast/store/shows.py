"""Shows in the engine: implements the port ShowStore on the engine functions and a few plain reads.

Called by the services. Commands of a show's creator get a fingerprint of their content here, so that a key used
again for the same is answered as the first time, and for something else is a Conflict.
"""

import hashlib
import secrets
from collections.abc import AsyncIterator, Container, Sequence
from typing import Any

import msgspec
from redis.asyncio import Redis

from dropcast.domain.events import Beat, Event, JournalEntry, ShowMeta, Snapshot
from dropcast.domain.faults import BadRequest, NotFound
from dropcast.domain.hold import Hold, Order, UnsettledPayment
from dropcast.domain.ids import is_id
from dropcast.domain.ports import Change, Done, NewDrop
from dropcast.domain.show import Frozen, Show, ShowStatus
from dropcast.domain.trades import Outcome, Trade
from dropcast.store.answers import DoneAnswer, HoldRecord, ShowInfo, ShowRecord
from dropcast.store.connection import ask, ping
from dropcast.store.engine_watch import EngineWatch
from dropcast.store.functions import Functions
from dropcast.store.keys import SHOW_KEYS, Keys
from dropcast.store.lane import Lane

_META_FIELDS = ("info", "status", "starts_at", "started_at", "ended_at", "epoch", "frozen")
_SCAN_COUNT = 1_000
_HOLDS_AT_ONCE = 500

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_encode_in_order = msgspec.msgpack.Encoder().encode
_INFO = msgspec.msgpack.Decoder(ShowInfo)
_EVENT: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)
_JOURNAL = msgspec.msgpack.Decoder(JournalEntry)
_HOLD = msgspec.msgpack.Decoder(HoldRecord)
_ORDER = msgspec.msgpack.Decoder(Order)


class HostLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What hosts may add to one show by pins, updates and announcements; 0 is no limit. The engine decides."""

    commands_per_min: int = 0
    bytes_per_min: int = 0
    """Of events and journal entries."""
    event_bytes_max: int = 0

    def as_arguments(self) -> dict[str, int]:
        return msgspec.structs.asdict(self)


class Shows:
    """Implements ShowStore, and what the Desk needs."""

    def __init__(
        self,
        client: Redis,
        keys: Keys,
        *,
        watch: EngineWatch | None = None,
        host_limits: HostLimits | None = None,
    ) -> None:
        """`watch` hears whether the engine fails; by default nobody does."""
        self._client = client
        self._keys = keys
        self._host_limits = (host_limits or HostLimits()).as_arguments()
        self._lane = Lane(client)
        self._watch = watch or EngineWatch(logged=False)
        self._functions = Functions(client, keys, self._lane, self._watch)

    async def ping(self) -> None:
        """Raise EngineFault unless the engine answers."""
        await ping(self._client)

    # Commands ----------------------------------------------------------------------------------------------

    async def schedule(self, show: Show) -> Show:
        if not is_id(show.id):
            raise BadRequest("a show's id is made of 1 to 64 letters, digits, hyphens and underscores")
        info = _encode(ShowInfo(show.title, show.creator, show.moderators, show.currency))
        # First the list, so that no show can exist without standing in it; readers skip what does not exist.
        await ask(self._client, "ZADD", self._keys.shows, 0, show.id)
        record = await self._functions.schedule(
            show.id, info=info, starts_at=show.starts_at_ms, epoch=secrets.token_hex(8)
        )
        return record.as_show(show.id)

    async def start(self, show: str) -> Done:
        return _done(await self._functions.start(show))

    async def end(self, show: str) -> Done:
        return _done(await self._functions.end(show))

    async def pin(self, show: str, drop: NewDrop) -> Done:
        if drop.prices.keys() != drop.units.keys():
            raise BadRequest("a pin gives a price and units for the same SKUs")
        lines = [(sku, price, drop.units[sku]) for sku, price in drop.prices.items()]
        answer = await self._functions.pin(
            show,
            drop=drop.id,
            fingerprint=_fingerprint(drop),
            limit=drop.limit,
            hold_ms=drop.hold_ms,
            lines=_encode_in_order(lines),
            card=_encode_in_order(drop.card),
            opens_at=drop.opens_at_ms,
            closes_at=drop.closes_at_ms,
            reveal_at=drop.reveal_at_ms,
            **self._host_limits,
        )
        return _done(answer)

    async def update(self, show: str, drop: str, change: Change, key: str) -> Done:
        answer = await self._functions.update(
            show,
            drop=drop,
            key=key,
            fingerprint=_fingerprint("update", drop, change),
            prices=_encode(dict(change.prices)),
            add_units=_encode(dict(change.add_units)),
            limit="" if change.limit is None else change.limit,
            hold_ms="" if change.hold_ms is None else change.hold_ms,
            **self._host_limits,
        )
        return _done(answer)

    async def unpin(self, show: str, drop: str, key: str) -> Done:
        fingerprint = _fingerprint("unpin", drop)
        return _done(await self._functions.unpin(show, drop=drop, key=key, fingerprint=fingerprint))

    async def announce(self, show: str, text: str, data: Any, key: str) -> Done:
        answer = await self._functions.announce(
            show,
            key=key,
            fingerprint=_fingerprint("announce", text, data),
            text=text,
            data=_encode_in_order(data),
            **self._host_limits,
        )
        return _done(answer)

    async def freeze(self, show: str) -> Done:
        return _done(await self._functions.freeze(show))

    async def thaw(self, show: str, reason: Frozen = Frozen.NO) -> Done:
        return _done(await self._functions.thaw(show, reason=reason.value))

    async def mute(self, show: str, viewer: str, on: bool) -> Done:
        return _done(await self._functions.mute(show, viewer=viewer, on=int(on)))

    async def ban(self, show: str, viewer: str, on: bool) -> Done:
        return _done(await self._functions.ban(show, viewer=viewer, on=int(on)))

    async def trade(self, show: str, trades: Sequence[Trade], holds_per_viewer_max: int) -> list[Outcome]:
        """Carry out a batch of trades in one engine function."""
        return await self._functions.trade(show, trades=trades, holds_per_viewer_max=holds_per_viewer_max)

    async def settle(self, show: str, trades: Sequence[Trade], holds_per_viewer_max: int) -> list[Outcome]:
        """Carry out a batch without reserves, also when the engine's memory is full."""
        return await self._functions.settle(show, trades=trades, holds_per_viewer_max=holds_per_viewer_max)

    async def beat(self, show: str, worker: str, viewers: int) -> Beat:
        return await self._functions.beat(show, worker=worker, viewers=viewers)

    async def take_lease(self, name: str, worker: str, lease_ms: int) -> bool:
        return await self._functions.lease(name, worker=worker, lease_ms=lease_ms)

    # Reading -----------------------------------------------------------------------------------------------

    async def read(self, show: str, *, public: bool = False) -> Snapshot:
        answer = await self._functions.read(show, public=int(public))
        return Snapshot(
            show=answer.show.as_show(show),
            epoch=answer.show.epoch,
            seq=answer.seq,
            offset=answer.offset,
            at_ms=answer.at_ms,
            drops=answer.drops,
            units=answer.units,
            holds=answer.holds,
            moderations=answer.moderations,
            moderated=answer.moderated,
            viewers=answer.viewers,
        )

    async def meta(self, show: str) -> ShowMeta:
        meta = self._key(show, "meta")
        *fields, seq, offset = await ask(self._lane, "HMGET", meta, *_META_FIELDS, "seq", "offset")
        if fields[0] is None:
            raise NotFound("there is no such show")
        record = _record(fields)
        return ShowMeta(record.as_show(show), record.epoch, int(seq), int(offset))

    async def shows(self, after: str, limit: int, but: Container[str] = ()) -> Sequence[Show]:
        shows: list[Show] = []
        is_more = True
        while is_more and len(shows) < limit:
            ids = await self._ids(after, limit - len(shows))
            is_more = len(ids) == limit - len(shows)
            after = ids[-1] if ids else after
            shows += await self._records([show for show in ids if show not in but])
        return shows

    async def _records(self, ids: Sequence[str]) -> list[Show]:
        """Return those of the shows that exist."""
        if not ids:
            return []
        with self._watch.reading("a read of shows"):
            pipeline = self._client.pipeline(transaction=False)
            for show in ids:
                pipeline.hmget(self._keys.of_show(show, "meta"), _META_FIELDS)
            records = await pipeline.execute()
        return [_record(fields).as_show(show) for show, fields in zip(ids, records, strict=True) if fields[0]]

    async def _ids(self, after: str, limit: int) -> list[str]:
        low = f"({after}" if after else "-"
        with self._watch.reading("a read of shows"):
            found = await self._lane.execute_command(
                "ZRANGE", self._keys.shows, low, "+", "BYLEX", "LIMIT", 0, limit
            )
        return [raw.decode() for raw in found]

    async def hold(self, show: str, hold: str) -> Hold | None:
        raw = await ask(self._client, "HGET", self._key(show, "holds"), hold)
        return _HOLD.decode(raw).as_hold(hold) if raw is not None else None

    async def holds(self, show: str, holds: Sequence[str]) -> Sequence[Hold]:
        key = self._key(show, "holds")
        found: list[Hold] = []
        for first in range(0, len(holds), _HOLDS_AT_ONCE):
            some = holds[first : first + _HOLDS_AT_ONCE]
            raws = await ask(self._client, "HMGET", key, *some)
            found += [_HOLD.decode(raw).as_hold(hold) for hold, raw in zip(some, raws, strict=True) if raw]
        return found

    async def events(self, show: str, since: int, limit: int, epoch: str = "") -> Sequence[Event]:
        with self._watch.reading("a read of events"):
            # The log first: what is in it was written in the epoch that is read after it, or in one before that one.
            pipeline = self._client.pipeline(transaction=False)
            pipeline.xrange(self._key(show, "events"), f"{since + 1}-0", "+", limit)
            pipeline.hget(self._key(show, "meta"), "epoch")
            entries, found = await pipeline.execute()
        if epoch and (found is None or found.decode() != epoch):
            return []
        return [_EVENT.decode(fields[b"e"]) for _, fields in entries]

    async def journal(self, show: str, since: int, limit: int) -> Sequence[JournalEntry]:
        key = self._key(show, "journal")
        entries = await ask(self._client, "XRANGE", key, f"{since + 1}-0", "+", "COUNT", limit)
        return [_JOURNAL.decode(fields[b"m"]) for _, fields in entries]

    async def orders(self, show: str) -> Sequence[Order]:
        found: dict[bytes, bytes] = {}
        async for some in self._scan(show, "orders"):
            found |= some
        orders = [_ORDER.decode(raw) for raw in found.values()]
        return sorted(orders, key=lambda order: (order.sold_at_ms, order.id))

    def _key(self, show: str, name: str) -> str:
        return self._keys.all_of_show(show)[SHOW_KEYS.index(name)]

    async def unsettled(self, show: str, at_ms: int) -> Sequence[UnsettledPayment]:
        found: dict[str, UnsettledPayment] = {}
        async for some in self._scan(show, "holds"):
            for hold, raw in some.items():
                record = _HOLD.decode(raw)
                if record.may_be_charged(at_ms):
                    found[hold.decode()] = record.as_unsettled(show, hold.decode())
        return [found[hold] for hold in sorted(found)]

    async def _scan(self, show: str, name: str) -> AsyncIterator[dict[bytes, bytes]]:
        """Give a hash of the show in steps, so that a long one does not hold up the trade. A step may repeat
        what another gave."""
        key = self._key(show, name)
        cursor = 0
        while True:
            cursor, some = await ask(self._client, "HSCAN", key, cursor, "COUNT", _SCAN_COUNT)
            yield some
            if int(cursor) == 0:
                return


def _record(fields: Sequence[bytes | None]) -> ShowRecord:
    info, status, starts_at, started_at, ended_at, epoch, frozen = (field or b"" for field in fields)
    return ShowRecord(
        _INFO.decode(info),
        ShowStatus(status.decode()),
        int(starts_at),
        int(started_at),
        int(ended_at),
        epoch.decode(),
        Frozen(frozen.decode()),
    )


def _done(answer: DoneAnswer) -> Done:
    return Done(seq=answer.seq, offset=answer.offset, again=answer.again)


def _fingerprint(*content: Any) -> str:
    return hashlib.blake2b(_encode(content), digest_size=16).hexdigest()
