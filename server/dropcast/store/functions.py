"""The bindings of functions.lua: one method per engine function, its parameters named as the function's ARGV.

Called by shows.py and desk.py. In go texts, numbers and MessagePack that was made elsewhere; out come decoded
answers, or the fault that a refusal means. A test holds the methods against the headers in functions.lua.
"""

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from dropcast.domain.events import Beat
from dropcast.store import keys, library
from dropcast.store.answers import (
    BeatAnswer,
    DoneAnswer,
    LeaseAnswer,
    ReadAnswer,
    ScheduleAnswer,
    ShowRecord,
    raise_refusal,
)
from dropcast.store.connection import engine_faults

Argument = str | int | bytes

_SCHEDULE = msgspec.msgpack.Decoder(ScheduleAnswer)
_DONE = msgspec.msgpack.Decoder(DoneAnswer)
_READ = msgspec.msgpack.Decoder(ReadAnswer)
_BEAT = msgspec.msgpack.Decoder(BeatAnswer)
_LEASE = msgspec.msgpack.Decoder(LeaseAnswer)


class Functions:
    def __init__(self, client: Redis) -> None:
        self._client = client

    async def version(self) -> int:
        return int(await self._call("dropcast_version", ()))

    async def schedule(self, show: str, *, info: bytes, starts_at: int, epoch: str) -> ShowRecord:
        answer = await self._of_show("dropcast_schedule", show, info, starts_at, epoch)
        return _SCHEDULE.decode(answer).show

    async def start(self, show: str) -> DoneAnswer:
        return _DONE.decode(await self._of_show("dropcast_start", show))

    async def end(self, show: str) -> DoneAnswer:
        return _DONE.decode(await self._of_show("dropcast_end", show))

    async def pin(
        self, show: str, *, drop: str, fingerprint: str, limit: int, hold_ms: int, lines: bytes, card: bytes
    ) -> DoneAnswer:
        answer = await self._of_show("dropcast_pin", show, drop, fingerprint, limit, hold_ms, lines, card)
        return _DONE.decode(answer)

    async def update(
        self,
        show: str,
        *,
        drop: str,
        key: str,
        fingerprint: str,
        prices: bytes,
        add_units: bytes,
        limit: int | str,
        hold_ms: int | str,
    ) -> DoneAnswer:
        answer = await self._of_show(
            "dropcast_update", show, drop, key, fingerprint, prices, add_units, limit, hold_ms
        )
        return _DONE.decode(answer)

    async def unpin(self, show: str, *, drop: str, key: str, fingerprint: str) -> DoneAnswer:
        return _DONE.decode(await self._of_show("dropcast_unpin", show, drop, key, fingerprint))

    async def announce(self, show: str, *, key: str, fingerprint: str, text: str, data: bytes) -> DoneAnswer:
        return _DONE.decode(await self._of_show("dropcast_announce", show, key, fingerprint, text, data))

    async def trade(self, show: str, *, trades: bytes, holds_per_viewer_max: int) -> bytes:
        """Return the answer as it is: a refusal of the whole batch is every trade's outcome."""
        return await self._call("dropcast_trade", keys.all_of_show(show), trades, holds_per_viewer_max)

    async def settle(self, show: str, *, trades: bytes, holds_per_viewer_max: int) -> bytes:
        return await self._call("dropcast_settle", keys.all_of_show(show), trades, holds_per_viewer_max)

    async def read(self, show: str) -> ReadAnswer:
        return _READ.decode(await self._of_show("dropcast_read", show))

    async def beat(self, show: str, *, worker: str, viewers: int) -> Beat:
        return _BEAT.decode(await self._of_show("dropcast_beat", show, worker, viewers)).beat

    async def lease(self, name: str, *, worker: str, lease_ms: int) -> bool:
        answer = await self._call("dropcast_lease", (keys.lease(name),), worker, lease_ms)
        raise_refusal(answer)
        return _LEASE.decode(answer).taken

    async def _of_show(self, name: str, show: str, *args: Argument) -> bytes:
        answer = await self._call(name, keys.all_of_show(show), *args)
        raise_refusal(answer)
        return answer

    async def _call(self, name: str, names: tuple[str, ...], *args: Argument) -> bytes:
        with engine_faults():
            try:
                answer: bytes = await self._client.execute_command("FCALL", name, len(names), *names, *args)
            except ResponseError as error:
                if not library.is_missing(error):
                    raise
                await library.load(self._client)
                answer = await self._client.execute_command("FCALL", name, len(names), *names, *args)
        return answer
