"""Viewing: to watch a show and to leave it. A join is answered from the worker's memory."""

import msgspec

from dropcast.domain.faults import Banned, NotFound
from dropcast.domain.ports import ShowStore
from dropcast.domain.viewer import Viewer
from dropcast.hub.merge import Numbered, merge
from dropcast.hub.room import Member, Payloads
from dropcast.metrics import counts
from dropcast.service import views
from dropcast.service.live_show import LiveShow
from dropcast.service.stage import Stage
from dropcast.wire.commands import Since, Watch
from dropcast.wire.messages import Watching

_AHEAD_S = 2.0
"""How long a viewer who has seen more than this worker waits for it to catch up; then the whole state is sent."""


class Viewing:
    def __init__(self, *, stage: Stage, store: ShowStore, log_events_max: int) -> None:
        self._stage = stage
        self._store = store
        self._log_events_max = log_events_max

    def watch_now(self, member: Member, viewer: Viewer, watch: Watch) -> Watching | None:
        """Join and answer at once when memory suffices; None when the engine must be asked or the viewer is banned,
        see `watch`."""
        live = self._stage.loaded(watch.show)
        if live is None or live.state is None or live.state.is_banned(viewer.id):
            return None
        recovered = self._recover(live, watch.since, [])
        if recovered is None and (self._is_in_log(live, watch.since) or self._is_ahead(live, watch.since)):
            return None
        return self._join(live, member, viewer, watch, recovered)

    async def watch(self, member: Member, viewer: Viewer, watch: Watch) -> Watching | None:
        """Follow the show first, or read its log. None when the socket has closed meanwhile.

        Raises NotFound when there is no such show, Banned, EngineFault when the engine cannot be asked.
        """
        live = await self._stage.enter(watch.show)
        if self._is_ahead(live, watch.since):
            # Another worker had told this viewer of events before they came here.
            await live.read_again(_AHEAD_S)
        logged: list[Numbered[Payloads]] = []
        if (
            self._recover(live, watch.since, []) is None
            and watch.since
            and self._is_in_log(live, watch.since)
        ):
            events = await self._store.events(
                live.id, watch.since.seq, self._log_events_max, watch.since.epoch
            )
            logged = [Numbered(event.seq, views.encode(views.event_view(live.id, event))) for event in events]
        # Nothing is awaited from here on: what is recovered ends exactly where the room goes on.
        if not member.is_open:
            return None
        recovered = self._recover(live, watch.since, logged)
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

    def _is_ahead(self, live: LiveShow, since: Since | None) -> bool:
        """Whether the viewer has seen more than this worker, or says so."""
        state = live.state
        return (
            state is not None and since is not None and since.epoch == state.epoch and since.seq > state.seq
        )

    def _is_in_log(self, live: LiveShow, since: Since | None) -> bool:
        """Whether the log may have what the ring has not."""
        state = live.state
        assert state is not None
        return (
            since is not None
            and since.epoch == state.epoch
            and 0 <= state.seq - since.seq <= self._log_events_max
        )

    def _recover(
        self, live: LiveShow, since: Since | None, logged: list[Numbered[Payloads]]
    ) -> list[Payloads] | None:
        """Return exactly the events after `since`, or None when the whole state must be sent."""
        state = live.state
        assert state is not None
        if since is None or since.epoch != state.epoch or since.seq > state.seq:
            return None
        return merge(since.seq, state.seq, logged, live.ring.after(since.seq))

    def _join(
        self,
        live: LiveShow,
        member: Member,
        viewer: Viewer,
        watch: Watch,
        recovered: list[Payloads] | None,
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
        index = member.codec_index
        holds = [views.hold_view(hold) for hold in state.holds_of(viewer.id)] if viewer.id else []
        answer = Watching(
            re=watch.id,
            show=live.id,
            epoch=state.epoch,
            seq=state.seq,
            recovered=recovered is not None,
            holds=holds,
            holds_at=state.offset,
        )
        if recovered is None:
            return msgspec.structs.replace(answer, state=msgspec.Raw(live.state_payloads()[index]))
        return msgspec.structs.replace(
            answer, events=[msgspec.Raw(payloads[index]) for payloads in recovered], stock=state.stock
        )
