"""The bindings of functions.lua: one method per engine function, its parameters named as the function's ARGV.

Called by shows.py and desk.py. In go texts, numbers and MessagePack that was made elsewhere; out come decoded
answers, or the fault that a refusal means. A test holds the methods against the headers in functions.lua.
"""

from collections.abc import Callable, Sequence
from time import perf_counter

import msgspec
from redis.asyncio import Redis

from dropcast.domain.events import Beat
from dropcast.domain.faults import EngineFault
from dropcast.domain.trades import Invalid, Outcome, Problem, Trade
from dropcast.metrics import counts
from dropcast.store import library
from dropcast.store.answers import (
    AdoptAnswer,
    BeatAnswer,
    DoneAnswer,
    LeaseAnswer,
    PermissionsAnswer,
    ReadAnswer,
    ScheduleAnswer,
    ShowRecord,
    TradeAnswer,
    is_unknown_show,
    raise_refusal,
)
from dropcast.store.connection import Asked, ask
from dropcast.store.engine_watch import EngineWatch
from dropcast.store.keys import Keys
from dropcast.store.lane import Lane

Argument = str | int | bytes

_SCHEDULE = msgspec.msgpack.Decoder(ScheduleAnswer)
_DONE = msgspec.msgpack.Decoder(DoneAnswer)
_ENCODER = msgspec.msgpack.Encoder()
_TRADES = msgspec.msgpack.Decoder(TradeAnswer)
_READ = msgspec.msgpack.Decoder(ReadAnswer)
_BEAT = msgspec.msgpack.Decoder(BeatAnswer)
_LEASE = msgspec.msgpack.Decoder(LeaseAnswer)
_PERMISSIONS = msgspec.msgpack.Decoder(PermissionsAnswer)
_ADOPT = msgspec.msgpack.Decoder(AdoptAnswer)


class Functions:
    def __init__(
        self, client: Redis, keys: Keys, lane: Asked | None = None, watch: EngineWatch | None = None
    ) -> None:
        """All but `read` go through `lane`, one of the client's own by default: the answer to `read` may be long.

        `watch` hears whether calls fail; by default nobody does.
        """
        self._client = client
        self._keys = keys
        self._watch = watch or EngineWatch(logged=False)
        self._lane = lane or Lane(client)

    async def version(self) -> int:
        return int(await self._call("dropcast_version", (), judge=_accept))

    async def run(self) -> str:
        return (await self._call("dropcast_run", (), judge=_accept)).decode()

    async def schedule(self, show: str, *, info: bytes, starts_at: int, epoch: str) -> ShowRecord:
        answer = await self._of_show("dropcast_schedule", show, info, starts_at, epoch)
        return _SCHEDULE.decode(answer).show

    async def start(self, show: str) -> DoneAnswer:
        return _DONE.decode(await self._of_show("dropcast_start", show))

    async def end(self, show: str) -> DoneAnswer:
        return _DONE.decode(await self._of_show("dropcast_end", show))

    async def pin(
        self,
        show: str,
        *,
        drop: str,
        fingerprint: str,
        limit: int,
        hold_ms: int,
        lines: bytes,
        card: bytes,
        opens_at: int,
        closes_at: int,
        reveal_at: int,
        commands_per_min: int = 0,
        bytes_per_min: int = 0,
        event_bytes_max: int = 0,
    ) -> DoneAnswer:
        """The last three are limits; 0 is none. Raises RateLimited and TooLarge."""
        terms = (limit, hold_ms, lines, card, opens_at, closes_at, reveal_at)
        limits = (commands_per_min, bytes_per_min, event_bytes_max)
        return _DONE.decode(await self._of_show("dropcast_pin", show, drop, fingerprint, *terms, *limits))

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
        commands_per_min: int = 0,
        bytes_per_min: int = 0,
        event_bytes_max: int = 0,
    ) -> DoneAnswer:
        change = (prices, add_units, limit, hold_ms)
        limits = (commands_per_min, bytes_per_min, event_bytes_max)
        answer = await self._of_show("dropcast_update", show, drop, key, fingerprint, *change, *limits)
        return _DONE.decode(answer)

    async def unpin(self, show: str, *, drop: str, key: str, fingerprint: str) -> DoneAnswer:
        return _DONE.decode(await self._of_show("dropcast_unpin", show, drop, key, fingerprint))

    async def announce(
        self,
        show: str,
        *,
        key: str,
        fingerprint: str,
        text: str,
        data: bytes,
        commands_per_min: int = 0,
        bytes_per_min: int = 0,
        event_bytes_max: int = 0,
    ) -> DoneAnswer:
        limits = (commands_per_min, bytes_per_min, event_bytes_max)
        answer = await self._of_show("dropcast_announce", show, key, fingerprint, text, data, *limits)
        return _DONE.decode(answer)

    async def freeze(self, show: str) -> DoneAnswer:
        return _DONE.decode(await self._of_show("dropcast_freeze", show))

    async def thaw(self, show: str, *, reason: str) -> DoneAnswer:
        return _DONE.decode(await self._of_show("dropcast_thaw", show, reason))

    async def mute(self, show: str, *, viewer: str, on: int) -> DoneAnswer:
        return _DONE.decode(await self._of_show("dropcast_mute", show, viewer, on))

    async def ban(self, show: str, *, viewer: str, on: int) -> DoneAnswer:
        return _DONE.decode(await self._of_show("dropcast_ban", show, viewer, on))

    async def adopt(self, show: str, *, before: Sequence[str]) -> bool:
        return _ADOPT.decode(await self._of_show("dropcast_adopt", show, *before)).adopted

    async def trade(self, show: str, *, trades: Sequence[Trade], holds_per_viewer_max: int) -> list[Outcome]:
        """Carry out any trades, in order."""
        return await self._trades("dropcast_trade", show, trades, holds_per_viewer_max)

    async def settle(self, show: str, *, trades: Sequence[Trade], holds_per_viewer_max: int) -> list[Outcome]:
        """Carry out trades among which there is no reserve; also when memory is full."""
        return await self._trades("dropcast_settle", show, trades, holds_per_viewer_max)

    async def _trades(
        self, name: str, show: str, trades: Sequence[Trade], holds_per_viewer_max: int
    ) -> list[Outcome]:
        packed = _ENCODER.encode(trades)
        answer = await self._call(
            name,
            self._keys.all_of_show(show),
            packed,
            holds_per_viewer_max,
            judge=_accept_unknown_show,
        )
        if is_unknown_show(answer):
            return [Invalid(Problem.UNKNOWN_SHOW)] * len(trades)
        outcomes = _TRADES.decode(answer).outcomes
        if len(outcomes) != len(trades):
            raise EngineFault(f"the engine answered {len(outcomes)} of {len(trades)} trades")
        return outcomes

    async def read(self, show: str, *, public: int | str = "") -> ReadAnswer:
        args = (public,) if public else ()
        answer = await self._call("dropcast_read", self._keys.all_of_show(show), *args, through=self._client)
        return _READ.decode(answer)

    async def beat(self, show: str, *, worker: str, viewers: int) -> Beat:
        return _BEAT.decode(await self._of_show("dropcast_beat", show, worker, viewers)).beat

    async def permissions(self, *, key: str, channel: str, commands: bytes) -> PermissionsAnswer:
        answer = await self._call("dropcast_permissions", (), key, channel, commands)
        return _PERMISSIONS.decode(answer)

    async def lease(self, name: str, *, worker: str, lease_ms: int) -> bool:
        answer = await self._call("dropcast_lease", (self._keys.lease(name),), worker, lease_ms)
        return _LEASE.decode(answer).taken

    async def _of_show(self, name: str, show: str, *args: Argument) -> bytes:
        return await self._call(name, self._keys.all_of_show(show), *args)

    async def _call(
        self,
        name: str,
        names: tuple[str, ...],
        *args: Argument,
        through: Asked | None = None,
        judge: Callable[[bytes], None] = raise_refusal,
    ) -> bytes:
        """Return the function's answer, unless `judge` raises what it means."""
        client = through or self._lane
        first = names[0] if names else ""
        began_s = perf_counter()
        try:
            try:
                answer: bytes = await ask(client, "FCALL", name, len(names), *names, *args)
            except EngineFault as fault:
                if not library.is_missing(fault):
                    raise
                await library.load(self._client, self._keys)
                answer = await ask(client, "FCALL", name, len(names), *names, *args)
            counts.engine_call_s[name.removeprefix("dropcast_")].since(began_s)
            judge(answer)
        except EngineFault as fault:
            counts.engine_failures[fault.code] += 1
            self._watch.failed(fault, name, first)
            raise
        self._watch.answered(name, first)
        return answer


def _accept(answer: bytes) -> None:
    """Whatever the function answers is no refusal."""


def _accept_unknown_show(answer: bytes) -> None:
    if not is_unknown_show(answer):
        raise_refusal(answer)
