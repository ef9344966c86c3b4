"""Reads of shows that this worker does not follow, for requests and for viewers who come to them: the one place.

For each show one read is under way at a time, shared by all who ask; so many shows are read at once, and so many
reads may wait, see sharing.py. What was read answers others for a moment, and so does the news that there is no such
show. None of it writes anything to the engine.
"""

import asyncio
from collections import OrderedDict
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from dropcast.domain.events import ShowMeta
from dropcast.domain.faults import NotFound
from dropcast.domain.ports import ShowStore
from dropcast.domain.state import ShowState
from dropcast.metrics import counts
from dropcast.service.encoded import EncodedState
from dropcast.service.sharing import ReadGate, SharedReads, Turn
from dropcast.settings import Settings

_METAS_MAX = 4_096
_PICTURES_MAX = 32
_SMALL_READS = 16
"""How many more small reads than whole ones may run at once."""
_SMALL_WAITING_MAX = 4_096
_TIMES_MAX = 4_096


class Picture(NamedTuple):
    """A show as it stands, and its parts encoded: what HTTP answers are made of."""

    state: ShowState
    viewers: int
    at_ms: int
    encoded: EncodedState


class ShowReader:
    def __init__(self, store: ShowStore, settings: Settings) -> None:
        self._store = store
        self._cache_s = settings.show_cache_ms / 1000
        self._tops_s = settings.tops_ms / 1000
        self._gate = ReadGate(settings.show_reads_max, refused=_count_refused)
        self._small_gate = ReadGate(
            settings.show_reads_max * _SMALL_READS,
            refused=_count_refused,
            rest=0.0,
            waiting_max=_SMALL_WAITING_MAX,
        )
        self._metas: OrderedDict[str, tuple[float, ShowMeta | None]] = OrderedDict()
        """By show: until when it counts, and what was read; None: there is no such show."""
        self._pictures: OrderedDict[str, tuple[float, Picture]] = OrderedDict()
        self._meta_reads: SharedReads[ShowMeta] = SharedReads()
        self._picture_reads: SharedReads[Picture] = SharedReads()
        self._questions: SharedReads[ShowMeta] = SharedReads()
        self._asked_s: OrderedDict[str, float] = OrderedDict()
        """By show: when the engine was asked last how far it is."""
        self._writes = 0
        """How often something was written here: what was read meanwhile answers nobody else."""

    def turn(self) -> AbstractAsyncContextManager[Turn]:
        """Wait for a turn to read something large that is no show: a page of a list. Raises RateLimited."""
        return self._gate.turn()

    def small_turn(self) -> AbstractAsyncContextManager[Turn]:
        """The same for something small, such as one product: many may run, and far more may wait."""
        return self._small_gate.turn()

    async def meta(self, show: str) -> ShowMeta:
        """Return a show without its drops. Raises NotFound, RateLimited or an EngineFault."""
        until_s, known = self._metas.get(show, (0.0, None))
        if until_s <= _now_s():
            return await self._meta_reads.result(show, lambda: self._read_meta(show))
        if known is None:
            raise NotFound("there is no such show")
        return known

    async def meta_for_host(self, show: str) -> ShowMeta:
        """The same for a command with a token: who hosts a show never changes, but a new show must be found at once."""
        until_s, known = self._metas.get(show, (0.0, None))
        if known is not None and until_s > _now_s():
            return known
        writes = self._writes
        meta = await self._store.meta(show)
        self._know(show, meta, writes)
        return meta

    async def picture(self, show: str, min_seq: int = 0) -> Picture:
        """Return a show as it stands. One that was read before it had the event `min_seq` is read anew, once.

        Raises NotFound, RateLimited or an EngineFault.
        """
        until_s, picture = self._pictures.get(show, (0.0, None))
        if picture is not None and until_s > _now_s() and picture.state.seq >= min_seq:
            return picture
        until_s, known = self._metas.get(show, (0.0, None))
        if until_s > _now_s() and known is None:
            raise NotFound("there is no such show")
        picture = await self._picture_reads.result(show, lambda: self._read_picture(show))
        if picture.state.seq < min_seq:
            # That read may have begun before the event.
            picture = await self._picture_reads.result(show, lambda: self._read_picture(show))
        return picture

    async def tops(self, show: str) -> ShowMeta:
        """Ask the engine how far a show is: a question that is sent from now on, and one for all who ask.

        Raises NotFound, RateLimited or an EngineFault.
        """
        return await self._questions.result(show, lambda: self._ask_tops(show))

    async def reaches(self, show: str, seq: int, timeout_s: float) -> bool:
        """Wait until the engine has the event `seq`, at most so long; return whether it has."""
        try:
            async with asyncio.timeout(timeout_s):
                while (await self.tops(show)).seq < seq:
                    pass  # the next question waits for its time
        except TimeoutError:
            return False
        return True

    def forget(self, show: str) -> None:
        """Something was written to a show here: who reads it from now on must see that."""
        self._writes += 1
        self._metas.pop(show, None)
        self._pictures.pop(show, None)
        self._meta_reads.forget(show)
        self._picture_reads.forget(show)

    async def _read_meta(self, show: str) -> ShowMeta:
        writes = self._writes
        async with self._small_gate.turn() as turn:
            try:
                meta = await turn.ask(self._store.meta(show))
            except NotFound:
                self._know(show, None, writes)
                raise
        self._know(show, meta, writes)
        return meta

    async def _read_picture(self, show: str) -> Picture:
        writes = self._writes
        async with self._gate.turn() as turn:
            try:
                snapshot = await turn.ask(self._store.read(show, public=True))
            except NotFound:
                self._know(show, None, writes)
                raise
            picture = Picture(ShowState(snapshot), snapshot.viewers, snapshot.at_ms, EncodedState())
            await picture.encoded.prepare(picture.state, 0)
        if writes == self._writes:
            self._keep(show, picture)
        return picture

    def _keep(self, show: str, picture: Picture) -> None:
        self._pictures.pop(show, None)
        until_s = _now_s() + self._cache_s
        self._pictures[show] = (until_s, picture)
        if len(self._pictures) > _PICTURES_MAX:
            self._pictures.popitem(last=False)
        asyncio.get_running_loop().call_at(until_s, self._expire, show, picture)

    def _expire(self, show: str, picture: Picture) -> None:
        """What answers nobody any more must not take memory."""
        _, known = self._pictures.get(show, (0.0, None))
        if known is picture:
            del self._pictures[show]

    async def _ask_tops(self, show: str) -> ShowMeta:
        wait_s = self._asked_s.get(show, 0.0) + self._tops_s - _now_s()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        # Whoever asks from here on may know of something that this question comes too early for.
        self._questions.forget(show)
        self._asked_s.pop(show, None)
        self._asked_s[show] = _now_s()
        if len(self._asked_s) > _TIMES_MAX:
            self._asked_s.popitem(last=False)
        async with self._small_gate.turn() as turn:
            return await turn.ask(self._store.meta(show))

    def _know(self, show: str, meta: ShowMeta | None, writes: int) -> None:
        if writes != self._writes:
            return
        self._metas.pop(show, None)
        self._metas[show] = (_now_s() + self._cache_s, meta)
        if len(self._metas) > _METAS_MAX:
            self._metas.popitem(last=False)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _count_refused() -> None:
    counts.limited["show_reads_max"] += 1
