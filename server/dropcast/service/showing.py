"""Shows for whoever asks by HTTP: from this worker's memory when it follows the show, else by the show reader.

A request may name the event that it knows of by `min_seq`, as from the answer to a command at another worker: then it
waits a moment for that event. What was written through this worker is always waited for.
"""

from dropcast.domain.events import ShowMeta
from dropcast.service.clock import EngineClock
from dropcast.service.live_show import LiveShow
from dropcast.service.show_reader import Picture, ShowReader
from dropcast.service.stage import Stage
from dropcast.settings import Settings


class Showing:
    def __init__(self, *, stage: Stage, reader: ShowReader, clock: EngineClock, settings: Settings) -> None:
        self._stage = stage
        self._reader = reader
        self._clock = clock
        self._wait_s = settings.ahead_ms / 1000

    def picture_now(self, show: str, min_seq: int) -> Picture | None:
        """Return a show that is followed and has the event `min_seq`; None: `picture` must wait for something."""
        live = self._stage.loaded(show)
        if live is None or live.state is None or live.state.seq < max(min_seq, live.written_seq):
            return None
        return self._picture_of(live)

    async def picture(self, show: str, min_seq: int) -> Picture:
        """Return a show as it stands; without the event `min_seq` when that does not come in time.

        Raises NotFound, RateLimited or an EngineFault.
        """
        live = self._stage.loaded(show)
        if live is not None:
            await live.reaches(max(min_seq, live.written_seq), self._wait_s)
            if self._stage.loaded(show) is live:
                return self._picture_of(live)
        found = await self._reader.picture(show)
        if found.state.seq < min_seq and await self._reader.reaches(show, min_seq, self._wait_s):
            found = await self._reader.picture(show, min_seq)
        return found

    def meta_now(self, show: str, min_seq: int) -> ShowMeta | None:
        """Return a show without its drops, in the same way."""
        picture = self.picture_now(show, min_seq)
        if picture is None:
            return None
        state = picture.state
        return ShowMeta(state.show, state.epoch, state.seq, state.offset)

    async def meta(self, show: str, min_seq: int) -> ShowMeta:
        """Return a show without its drops, in the same way."""
        live = self._stage.loaded(show)
        if live is not None:
            await live.reaches(max(min_seq, live.written_seq), self._wait_s)
            if self._stage.loaded(show) is live and live.state is not None:
                state = live.state
                return ShowMeta(state.show, state.epoch, state.seq, state.offset)
        found = await self._reader.meta(show)
        if found.seq < min_seq and await self._reader.reaches(show, min_seq, self._wait_s):
            found = await self._reader.tops(show)
        return found

    def wrote(self, show: str, seq: int = 0) -> None:
        """Something was written to `show` through this worker; its log is at `seq` by that."""
        self._reader.forget(show)
        live = self._stage.loaded(show)
        if live is not None:
            live.written_seq = max(live.written_seq, seq)

    def _picture_of(self, live: LiveShow) -> Picture:
        assert live.state is not None
        return Picture(live.state, live.viewers, self._clock.now_ms(), live.encoded)
