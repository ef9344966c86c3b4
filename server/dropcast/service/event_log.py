"""The event log, for viewers who come back later than the ring of encoded events begins.

Read in pages of fixed borders, so that all who miss the same events share a page, encoded by the codec of whoever
asked. Pages are kept for a while, within a bound for all shows of the worker. What is read is bounded by a budget of
bytes a second, for the worker and for each show: beyond it a viewer gets the whole state instead, which costs less.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from dropcast.domain.events import Event
from dropcast.domain.ports import ShowStore
from dropcast.hub.merge import Numbered
from dropcast.metrics import counts
from dropcast.service import views
from dropcast.service.budget import ByteBudget
from dropcast.service.sharing import SharedReads
from dropcast.settings import Settings
from dropcast.wire.codec import CODECS

PAGE_EVENTS = 64
_EVENT_BYTES_MIN = 50
"""No encoded event is smaller."""
_READ_BYTES_MIN = 4_096
"""What a read counts at least: the engine has worked for it, whatever it gave, and whether or not anybody waited."""
_BURST_S = 4.0
_SHOW_SHARE = 0.25
_KEPT_BYTES_MAX = 8_388_608
_SHOWS_MAX = 1_024

Encoded = Sequence[Numbered[bytes]]


class _Place(NamedTuple):
    """Which page, of which show and history, encoded by which codec."""

    show: str
    epoch: str
    number: int
    codec_index: int


class _Page(NamedTuple):
    events: Encoded
    size: int
    upto: int
    """The page has every event up to this one, as far as the log still has them."""


class EventLog:
    """The event logs of all shows that this worker follows."""

    def __init__(self, store: ShowStore, settings: Settings) -> None:
        self._store = store
        self._bytes_max = settings.catch_up_bytes_max
        self._per_s = settings.catch_up_bytes_per_s
        self._reads: SharedReads[_Page] = SharedReads()
        self._kept: OrderedDict[_Place, _Page] = OrderedDict()
        self._kept_bytes = 0
        self._budget = ByteBudget(self._per_s, _BURST_S, self._now_s())
        self._budgets: OrderedDict[str, ByteBudget] = OrderedDict()

    def is_too_much(self, events: int) -> bool:
        """Whether so many missed events are more than one answer may have, however small they are."""
        return events * _EVENT_BYTES_MIN > self._bytes_max

    async def after(self, show: str, epoch: str, since: int, upto: int, codec_index: int) -> Encoded | None:
        """Return the events above `since` up to `upto` at least, as far as the log has them.

        None when they are too many bytes, or more than may be read now. Raises EngineFault.
        """
        found: list[Numbered[bytes]] = []
        size = 0
        while since < upto:
            page = await self.page(show, epoch, since, upto, codec_index)
            if not page:
                return None
            found += page
            size += sum(len(event.value) for event in page)
            if size > self._bytes_max:
                counts.limited["catch_up_bytes_max"] += 1
                return None
            since = page[-1].seq
        return found

    async def page(self, show: str, epoch: str, since: int, upto: int, codec_index: int) -> Encoded | None:
        """Return the next events above `since`, in order; none when the log does not have them in this epoch.

        None also when no more may be read now. At most one page, and at least up to `upto` if it ends there.
        """
        number = since // PAGE_EVENTS
        upto = min(upto, (number + 1) * PAGE_EVENTS)
        place = _Place(show, epoch, number, codec_index)
        page = self._kept.get(place)
        if page is not None and page.upto >= upto:
            self._kept.move_to_end(place)
            # A page that is at hand costs no wait; many of them would cost the loop.
            await asyncio.sleep(0)
        else:
            if not self._may_read(show):
                counts.limited["catch_up_bytes_per_s"] += 1
                return None
            page = await self._reads.result((place, upto), lambda: self._read(place, upto))
        found = [event for event in page.events if event.seq > since]
        return found if found and found[0].seq == since + 1 else None

    async def _read(self, place: _Place, upto: int) -> _Page:
        since = place.number * PAGE_EVENTS
        self._spend(place.show, _READ_BYTES_MIN)
        events: Sequence[Event] = await self._store.events(place.show, since, PAGE_EVENTS, place.epoch)
        # A page has this many sequence numbers; a log that was trimmed begins later and gives some of the next page.
        inside = [event for event in events if event.seq <= since + PAGE_EVENTS]
        encode = CODECS[place.codec_index].encode
        encoded = [Numbered(event.seq, encode(views.event_view(place.show, event))) for event in inside]
        size = sum(len(event.value) for event in encoded)
        self._spend(place.show, max(0, size - _READ_BYTES_MIN))
        if not encoded:
            # The engine is in another epoch by now, perhaps for a moment only.
            return _Page(encoded, size, upto)
        page = _Page(encoded, size, max(upto, encoded[-1].seq))
        self._keep(place, page)
        return page

    def _keep(self, place: _Place, page: _Page) -> None:
        before = self._kept.pop(place, None)
        self._kept_bytes += page.size - (before.size if before is not None else 0)
        self._kept[place] = page
        while self._kept_bytes > _KEPT_BYTES_MAX or len(self._kept) > _KEPT_BYTES_MAX // 1_024:
            _, oldest = self._kept.popitem(last=False)
            self._kept_bytes -= oldest.size

    def _may_read(self, show: str) -> bool:
        now_s = self._now_s()
        return self._budget.allows(now_s) and self._budget_of(show).allows(now_s)

    def _spend(self, show: str, size: int) -> None:
        self._budget.spend(size)
        self._budget_of(show).spend(size)

    def _budget_of(self, show: str) -> ByteBudget:
        budget = self._budgets.get(show)
        if budget is None:
            budget = self._budgets[show] = ByteBudget(self._per_s * _SHOW_SHARE, _BURST_S, self._now_s())
            if len(self._budgets) > _SHOWS_MAX:
                self._budgets.popitem(last=False)
        return budget

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()
