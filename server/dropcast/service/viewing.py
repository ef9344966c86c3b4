"""Viewing: to watch a show and to leave it. A join is answered from the worker's memory.

A viewer who comes back is sent the events that they missed: from the ring, then from the event log, within a bound of
bytes; beyond it the whole state. One who has seen more than this worker waits for it: nobody is led back in time.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from dropcast.domain.faults import Banned, EngineAway, EngineFault, NotFound
from dropcast.domain.viewer import Viewer
from dropcast.hub.merge import Numbered, merge
from dropcast.hub.room import Member
from dropcast.metrics import counts
from dropcast.service import views
from dropcast.service.event_log import EventLog
from dropcast.service.live_show import LiveShow
from dropcast.service.show_reader import ShowReader
from dropcast.service.stage import Stage
from dropcast.settings import Settings
from dropcast.wire.commands import Since, Watch
from dropcast.wire.messages import Watching


class Viewing:
    def __init__(
        self, *, stage: Stage, reader: ShowReader, log: EventLog, settings: Settings, log_events_max: int
    ) -> None:
        self._stage = stage
        self._reader = reader
        self._log = log
        self._ahead_s = settings.ahead_ms / 1000
        self._tops_s = settings.tops_ms / 1000
        self._bytes_max = settings.catch_up_bytes_max
        self._log_events_max = log_events_max

    def watch_now(self, member: Member, viewer: Viewer, watch: Watch) -> Watching | None:
        """Join and answer at once when memory suffices; None when the engine must be asked or the viewer is banned,
        see `watch`."""
        live = self._stage.loaded(watch.show)
        if live is None or live.state is None or live.state.is_banned(viewer.id):
            return None
        recovered = self._recover(live, watch.since, [], member.codec_index)
        since = watch.since
        if (
            recovered is None
            and since is not None
            and (self._is_in_log(live, since) or _is_below(live, since.epoch, since.seq))
        ):
            return None
        return self._join(live, member, viewer, watch, recovered)

    async def watch(self, member: Member, viewer: Viewer, watch: Watch) -> Watching | None:
        """Follow the show first, or read its log. None when the socket has closed meanwhile.

        Raises NotFound when there is no such show, Banned, RateLimited when too much is read already, EngineFault when
        the engine cannot be asked, or when this worker does not come to what the viewer has seen.
        """
        live = await self._stage.enter(watch.show)
        live.entering += 1
        try:
            await self._come_to(live, watch.since)
            logged = await self._logged(live, watch.since, member.codec_index)
        finally:
            live.entering -= 1
        # Nothing is awaited from here on: what is recovered ends exactly where the room goes on.
        if not member.is_open:
            return None
        recovered = self._recover(live, watch.since, logged, member.codec_index)
        return self._join(live, member, viewer, watch, recovered, source="log" if logged else "ring")

    def rename(self, member: Member, show: str, viewer: Viewer) -> None:
        """A member is `viewer`'s from now on, by a renewed token or the end of one."""
        live = self._stage.loaded(show)
        if live is not None:
            live.room.rename(member, viewer.id)
            live.show_out([viewer.id])

    def leave(self, member: Member, show: str) -> None:
        """Leave a show; no harm when it was not watched."""
        live = self._stage.loaded(show)
        if live is not None:
            live.room.leave(member)

    def is_watching(self, member: Member, show: str) -> bool:
        live = self._stage.loaded(show)
        return live is not None and member in live.room

    async def _come_to(self, live: LiveShow, since: Since | None) -> None:
        """Wait for what the viewer has seen at another worker, if the engine has it. Raises EngineFault when that takes
        too long: an older state would lead the viewer back in time.
        """
        if since is None:
            return
        loop = asyncio.get_running_loop()
        ends_at_s = loop.time() + self._ahead_s
        target = since.seq
        while _is_below(live, since.epoch, target):
            try:
                async with asyncio.timeout_at(ends_at_s):
                    tops = await self._reader.tops(live.id)
            except TimeoutError as error:
                raise EngineAway("the engine did not say in time how far the show is") from error
            if tops.epoch == since.epoch:
                # What the engine does not have, nobody has seen.
                target = min(target, tops.seq)
            left_s = ends_at_s - loop.time()
            if await live.reaches(target, max(0.0, min(self._tops_s, left_s))):
                return
            if left_s <= self._tops_s:
                raise EngineFault("this worker has not come to what was seen before; ask again")
            if tops.epoch == since.epoch:
                live.on_top(target)

    def _is_in_log(self, live: LiveShow, since: Since) -> bool:
        """Whether the log may have what the ring has not, and few enough to be sent."""
        state = live.state
        assert state is not None
        if since.epoch != state.epoch or not 0 <= state.seq - since.seq <= self._log_events_max:
            return False
        return not self._is_too_much(live, since.seq)

    def _is_too_much(self, live: LiveShow, since: int) -> bool:
        """Whether it is plain without a read that the events after `since` are more than one answer may have."""
        assert live.state is not None
        return live.ring.bytes_after(since) > self._bytes_max or self._log.is_too_much(live.state.seq - since)

    async def _logged(
        self, live: LiveShow, since: Since | None, codec_index: int
    ) -> Sequence[Numbered[bytes]]:
        """Return what the log has of what the viewer missed and the ring has not, as far as it is needed and may be
        read."""
        if (
            since is None
            or self._recover(live, since, [], codec_index) is not None
            or not self._is_in_log(live, since)
        ):
            return ()
        assert live.state is not None
        first = live.ring.first
        upto = first - 1 if first is not None else live.state.seq
        return await self._log.after(live.id, since.epoch, since.seq, upto, codec_index) or ()

    def _recover(
        self, live: LiveShow, since: Since | None, logged: Sequence[Numbered[bytes]], codec_index: int
    ) -> list[bytes] | None:
        """Return exactly the events after `since`, or None when the whole state must be sent."""
        state = live.state
        assert state is not None
        if since is None or since.epoch != state.epoch or since.seq > state.seq:
            return None
        if live.ring.bytes_after(since.seq) + sum(len(event.value) for event in logged) > self._bytes_max:
            return None
        whole = live.ring.payloads_after(since.seq, state.seq)
        if whole is not None:
            return [payloads[codec_index] for payloads in whole]
        kept = [Numbered(event.seq, event.value[codec_index]) for event in live.ring.after(since.seq)]
        return merge(since.seq, state.seq, logged, kept)

    def _join(
        self,
        live: LiveShow,
        member: Member,
        viewer: Viewer,
        watch: Watch,
        recovered: list[bytes] | None,
        *,
        source: str = "ring",
    ) -> Watching:
        state = live.state
        if state is None:
            raise NotFound("the show is not there any more")
        if state.is_banned(viewer.id):
            raise Banned("this viewer is banned from the show")
        live.room.join(member, viewer.id)
        counts.joined(watch.since is not None, source if recovered is not None else "state")
        holds = [views.hold_view(hold) for hold in state.holds_of(viewer.id)] if viewer.id else []
        since = watch.since
        if (
            recovered is None
            and since is not None
            and since.epoch == state.epoch
            and self._is_too_much(live, since.seq)
        ):
            counts.limited["catch_up_bytes_max"] += 1
        return Watching(
            re=watch.id,
            show=live.id,
            epoch=state.epoch,
            seq=state.seq,
            recovered=recovered is not None,
            state=msgspec.Raw(live.state_payload(member.codec_index)) if recovered is None else None,
            events=[msgspec.Raw(payload) for payload in recovered] if recovered is not None else None,
            stock=state.stock if recovered is not None else None,
            holds=holds,
            holds_at=state.offset,
        )


def _is_below(live: LiveShow, epoch: str, seq: int) -> bool:
    """Whether the show is followed in this history, and has not come to `seq`, which a viewer has seen or claims."""
    return live.state is not None and live.state.epoch == epoch and live.state.seq < seq
